'use strict';

const net = require('node:net');
const tls = require('node:tls');
const { CommandLink, Command } = require('../command_link');
const { DrachtioError, disconnected } = require('../errors');
const { BackOff } = require('./back_off');
const { ServerConnection } = require('./connection');
const { ServerVersion } = require('./server_version');

/** @typedef {import('./connection').Greeting} Greeting */

/**
 * What a link tells beside its events.
 *
 * @typedef {object} LinkWatcher
 * @property {(greeting: Greeting) => void} onConnected also after every reconnect
 * @property {(err: Error) => void} onDown the connection is lost: nothing that is under way will come to its end
 * @property {(err: Error) => void} onFailed a connection has failed, and another one will be tried
 * @property {(next: {delay: number, attempt: number}) => void} onReconnecting
 * @property {() => void} onDisconnected a connection that was there has ended
 * @property {(err: Error) => void} onGivenUp there will be no other connection
 */

/** What only a server of this package tells: that it has answered a request in place of the application. */
const ANSWERED = 'request:answered';

/** What the head of a message ends with. */
const BLANK_LINE = '\r\n\r\n';

/** A Content-Length among the headers of a message. */
const CONTENT_LENGTH = /\r\n(?:content-length|l):[^\r]*/gi;

/** A server that does not send what it is asked for has nothing of it: nobody needs to hear. */
const NOTED = Object.freeze({ refused() {} });

/** How long the end of a connection may take, in milliseconds. */
const END_TIMEOUT = 2_000;

/** The engine is behind a connection. */
class RemoteLink extends CommandLink {
  /** @type {ServerConnection | undefined} @protected */
  connection = undefined;
  /** @type {Greeting | undefined} */
  greeting = undefined;
  /** Of that server; of none while there is none. @protected */
  version = new ServerVersion();
  /** @protected */
  isClosing = false;
  /** @type {import('node:net').Socket | undefined} */
  #socket = undefined;
  /** @type {Promise<void> | undefined} */
  #closing = undefined;
  /** @type {(() => void) | undefined} */
  #ended = undefined;

  /**
   * @param {import('../command_link').Receiver & LinkWatcher} watcher
   * @param {import('../native').CodecClass} Codec
   */
  constructor(watcher, Codec) {
    super(watcher);
    /** @protected */
    this.watcher = watcher;
    /** @protected */
    this.Codec = Codec;
  }

  get isRemote() {
    return true;
  }

  /** That of the connection, or of the last one while there is none. */
  get socket() {
    return this.#socket;
  }

  /** Where the server is: `{address, hostport}`; undefined while there is none. */
  get server() {
    if (this.greeting === undefined) return undefined;
    return { address: this.socket?.remoteAddress, hostport: this.greeting.hostport };
  }

  /**
   * Gives a command, in the form that servers know: messages have a Content-Length, which is not the application's to say; the
   * body with what the protocol has no place for goes with the proxy commands of a server of this package only.
   *
   * @param {number} kind
   * @param {string} head
   * @param {string} text
   * @param {import('../command_link').Answer} [answer]
   */
  submit(kind, head, text, answer) {
    let known = text;
    if (kind === Command.SIP) known = withContentLength(text);
    else if (kind === Command.PROXY && !this.version.isOurs) known = text.slice(0, endOfHead(text));
    super.submit(kind, head, known, answer);
  }

  /** There is nothing to count on this side. */
  census() {
    return {};
  }

  /** There is nothing to count on this side. */
  counters() {
    return {};
  }

  /** @returns {Promise<void>} */
  reloadTls() {
    return Promise.reject(notEmbedded('the certificates of SIP'));
  }

  /** @returns {Promise<string>} */
  metrics() {
    return Promise.reject(notEmbedded('the metrics'));
  }

  setScreening() {
    throw notEmbedded('which requests are turned away');
  }

  drain() {
    throw notEmbedded('who gets new requests');
  }

  /**
   * @protected
   * @param {import('node:net').Socket} socket
   * @param {'connect' | 'secureConnect' | undefined} event
   * @param {import('./options').Credentials & {pingInterval?: number}} options
   */
  take(socket, event, options) {
    this.#socket = socket;
    const connection = new ServerConnection(socket, event, options, this.Codec, {
      onReady: (greeting) => {
        this.greeting = greeting;
        this.version = new ServerVersion(greeting.serverVersion);
        this.onReady(connection, greeting);
      },
      onEvents: (events) => this.dispatch(events),
      onClosed: (err) => this.#closed(err),
    });
    this.connection = connection;
  }

  /**
   * @protected
   * @param {ServerConnection} connection
   * @param {Greeting} greeting
   */
  onReady(connection, greeting) {
    const events = [...this.wanted()];
    if (this.version.isOurs) events.push(ANSWERED);
    this.submitFirst(Command.ROUTE, events, NOTED);
    this.open((batch) => connection.send(batch));
    this.watcher.onConnected(greeting);
  }

  /**
   * What to ask for when there is a connection.
   *
   * @protected
   * @returns {Iterable<string>}
   */
  wanted() {
    return [];
  }

  /** @param {Error | undefined} err */
  #closed(err) {
    const wasReady = this.greeting !== undefined;
    this.connection = undefined;
    this.greeting = undefined;
    this.version = new ServerVersion();
    if (this.isClosing) {
      this.#ended?.();
      return;
    }
    const why = err ?? new DrachtioError('the connection to the server is lost', 'DRT_ERR_CONNECTION_LOST');
    if (wasReady) {
      this.shut(lost(why));
      this.watcher.onDown(lost(why));
    }
    this.onClosed(why, wasReady);
  }

  /**
   * @protected
   * @param {Error} _err
   * @param {boolean} _wasReady
   */
  onClosed(_err, _wasReady) {}

  /**
   * Ends the connection. What has been asked for before is written. May be called at any time, and again.
   *
   * @returns {Promise<void>} fulfilled when the connection has ended
   */
  close() {
    this.#closing ??= this.end();
    return this.#closing;
  }

  /** @protected */
  async end() {
    this.flush();
    this.isClosing = true;
    const { connection } = this;
    const bye = disconnected();
    if (connection !== undefined) {
      const timer = setTimeout(() => connection.destroy(bye), END_TIMEOUT);
      await new Promise((resolve) => {
        this.#ended = () => resolve(undefined);
        if (this.isOpen) connection.end();
        else connection.destroy(bye);
      });
      clearTimeout(timer);
    }
    this.shut(bye);
  }
}

/** A link to a server that this application connects to, and again when the connection is lost. */
class ServerLink extends RemoteLink {
  #options;
  #backOff;
  #routes;
  /** @type {NodeJS.Timeout | undefined} */
  #timer = undefined;

  /**
   * @param {import('../command_link').Receiver & LinkWatcher} watcher
   * @param {import('../native').CodecClass} Codec
   * @param {import('./options').ServerOptions} options
   * @param {() => Iterable<string>} routes what the server is to send, whenever it is connected to
   */
  constructor(watcher, Codec, options, routes) {
    super(watcher, Codec);
    this.#options = options;
    this.#backOff = new BackOff(options.reconnect);
    this.#routes = routes;
    this.#connect();
  }

  /** @param {string} method */
  route(method) {
    // One that comes before the connection is one of those that are asked for when it is there.
    if (this.isOpen) this.submit(Command.ROUTE, method, '', NOTED);
  }

  /** @param {string} method */
  removeRoute(method) {
    if (!this.isOpen) return;
    if (!this.version.removesRoutes) return;
    this.submit(Command.REMOVE_ROUTE, method, '', NOTED);
    if (this.version.isOurs) return;
    // drachtio-server forgets all of them then.
    for (const other of this.wanted()) this.submit(Command.ROUTE, other, '', NOTED);
  }

  close() {
    clearTimeout(this.#timer);
    return super.close();
  }

  #connect() {
    const { host, port, tls: secure } = this.#options;
    if (secure === undefined) {
      this.take(net.connect({ host, port }), 'connect', this.#options);
      return;
    }
    const servername = net.isIP(host) === 0 ? { servername: host } : {};
    let socket;
    try {
      socket = tls.connect({ host, port, ...servername, ...secure });
    } catch (err) {
      // Certificates that can't be read: they will not get better by waiting.
      this.#timer = setTimeout(() => this.#giveUp(/** @type {Error} */ (err)), 0);
      return;
    }
    this.take(socket, 'secureConnect', this.#options);
  }

  /**
   * @protected
   * @param {ServerConnection} connection
   * @param {Greeting} greeting
   */
  onReady(connection, greeting) {
    this.#backOff.reset();
    super.onReady(connection, greeting);
  }

  /** @protected */
  wanted() {
    return this.#routes();
  }

  /**
   * @protected
   * @param {Error & {code?: string}} err
   * @param {boolean} wasReady
   */
  onClosed(err, wasReady) {
    if (err.code === 'DRT_ERR_AUTHENTICATION') {
      this.#giveUp(err);
      return;
    }
    const next = this.#backOff.next();
    if (next === undefined) {
      if (wasReady) this.watcher.onDisconnected();
      this.#giveUp(err);
      return;
    }
    this.#timer = setTimeout(() => this.#connect(), next.delay);
    if (err.code !== 'DRT_ERR_CONNECTION_LOST') this.watcher.onFailed(err);
    this.watcher.onReconnecting(next);
    if (wasReady) this.watcher.onDisconnected();
  }

  /** @param {Error} err */
  #giveUp(err) {
    this.isClosing = true;
    this.shut(err);
    this.watcher.onGivenUp(err);
  }
}

/** A link over a connection that a server has made: it ends with it. */
class AcceptedLink extends RemoteLink {
  /**
   * @param {import('../command_link').Receiver & LinkWatcher} watcher
   * @param {import('../native').CodecClass} Codec
   * @param {import('node:net').Socket} socket
   * @param {import('./options').Credentials} options
   */
  constructor(watcher, Codec, socket, options) {
    super(watcher, Codec);
    this.take(socket, undefined, options);
  }

  get isAccepted() {
    return true;
  }

  /** @protected */
  async end() {
    const wasOpen = this.isOpen;
    await super.end();
    if (wasOpen) this.watcher.onDisconnected();
    this.watcher.onGivenUp(disconnected());
  }

  /** A server that connects to an application knows what it wants. */
  route() {}

  removeRoute() {}

  /**
   * @protected
   * @param {Error & {code?: string}} err
   * @param {boolean} wasReady
   */
  onClosed(err, wasReady) {
    this.shut(lost(err));
    if (err.code !== 'DRT_ERR_CONNECTION_LOST') this.watcher.onFailed(err);
    if (wasReady) this.watcher.onDisconnected();
    this.watcher.onGivenUp(err);
  }
}

/**
 * A message whose last header says how many bytes its body has.
 *
 * @param {string} text
 */
function withContentLength(text) {
  const end = endOfHead(text);
  const head = text.slice(0, end - BLANK_LINE.length).replace(CONTENT_LENGTH, '');
  const body = text.slice(end);
  return `${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/**
 * Where the body of a message begins.
 *
 * @param {string} text
 */
function endOfHead(text) {
  return text.indexOf(BLANK_LINE) + BLANK_LINE.length;
}

/** @param {string} what */
function notEmbedded(what) {
  return new DrachtioError(`${what}: that is the affair of the server`, 'DRT_ERR_NOT_EMBEDDED');
}

/**
 * What commands fail with whose connection is lost.
 *
 * @param {Error & {code?: string}} cause
 */
function lost(cause) {
  if (cause.code === 'DRT_ERR_CONNECTION_LOST') return cause;
  return new DrachtioError(`the connection to the server is lost: ${cause.message}`, 'DRT_ERR_CONNECTION_LOST', { cause });
}

module.exports = { ServerLink, AcceptedLink };
