'use strict';

const { Command, Event, ENTRIES } = require('../command_link');
const { DrachtioError, refusal } = require('../errors');
const { ServerVersion } = require('./server_version');

/**
 * What a server tells of itself.
 *
 * @typedef {object} Greeting
 * @property {string} hostport where it is reached, as in `udp/203.0.113.7:5060`, commas between
 * @property {string | undefined} serverVersion
 * @property {string | undefined} localHostports where it listens
 */

/**
 * @typedef {object} Watcher
 * @property {(greeting: Greeting) => void} onReady the server knows the application
 * @property {(events: (string | number)[]) => void} onEvents
 * @property {(err: Error | undefined) => void} onClosed it is over; without an error the server has ended it
 */

/** How long a connection may take until the server knows the application, in milliseconds. */
const READY_TIMEOUT = 10_000;

/** After this time without traffic the system asks whether the other end is still there. */
const KEEP_ALIVE_DELAY = 15_000;

/** Bytes that may wait to be written. A server that has not taken so many takes nothing. */
const MAX_UNSENT = 64 * 1024 * 1024;

/** Numbers of commands that a link does not use. */
const AUTHENTICATE_ID = 0x8000_0000;
const PING_ID = 0x8000_0001;

/**
 * One connection to a server, from the moment there is a socket: the application authenticates itself, whoever has
 * connected to whom, and from then on commands go out and events come in.
 */
class ServerConnection {
  #codec;
  #options;
  #watcher;
  #isReady = false;
  #isClosed = false;
  /** Why it is being closed from here. @type {Error | undefined} */
  #reason = undefined;
  /** @type {NodeJS.Timeout | undefined} */
  #timer = undefined;
  /** Whether anything has come since the last ping. */
  #heard = true;

  /**
   * @param {import('node:net').Socket} socket
   * @param {'connect' | 'secureConnect' | undefined} event what tells that it is connected; undefined when it is already
   * @param {import('./options').Credentials & {pingInterval?: number}} options
   * @param {import('../native').CodecClass} Codec
   * @param {Watcher} watcher
   */
  constructor(socket, event, options, Codec, watcher) {
    this.socket = socket;
    this.#codec = new Codec();
    this.#options = options;
    this.#watcher = watcher;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (err) => {
      this.#reason ??= err;
    });
    socket.on('close', () => this.#closed());
    this.#timer = setTimeout(() => this.destroy(linkError('the server did not answer in time', 'DRT_ERR_LINK_TIMEOUT')), READY_TIMEOUT);
    if (event === undefined) this.#authenticate();
    else socket.once(event, () => this.#authenticate());
  }

  /** @param {(string | number)[]} batch */
  send(batch) {
    if (this.socket.destroyed) return;
    this.socket.write(this.#codec.encode(batch));
    if (this.socket.writableLength > MAX_UNSENT) this.destroy(linkError('the server takes nothing any more', 'DRT_ERR_LINK_STALLED'));
  }

  /** Ends the connection when everything has been written. */
  end() {
    this.socket.end();
  }

  /** @param {Error} err */
  destroy(err) {
    this.#reason ??= err;
    this.socket.destroy();
  }

  #authenticate() {
    this.send([Command.AUTHENTICATE, AUTHENTICATE_ID, this.#options.tags, this.#options.secret]);
  }

  /** @param {Buffer} chunk */
  #receive(chunk) {
    if (this.#reason !== undefined) return;
    this.#heard = true;
    const events = this.#codec.receive(chunk);
    let start = 0;
    for (let at = 0; at < events.length; at += ENTRIES) {
      const kind = events[at];
      const id = /** @type {number} */ (events[at + 1]);
      if (id < AUTHENTICATE_ID && kind !== Event.BROKEN) continue;
      // What came before goes first.
      if (at > start) this.#watcher.onEvents(events.slice(start, at));
      start = at + ENTRIES;
      const text = /** @type {string} */ (events[at + 2]);
      if (kind === Event.BROKEN) this.destroy(linkError(text, 'DRT_ERR_PROTOCOL'));
      else if (id === AUTHENTICATE_ID) this.#answered(kind, text);
    }
    if (events.length > start) this.#watcher.onEvents(start === 0 ? events : events.slice(start));
  }

  /**
   * @param {string | number} kind
   * @param {string} text
   */
  #answered(kind, text) {
    clearTimeout(this.#timer);
    if (kind !== Event.AUTHENTICATED) {
      const why = kind === Event.REFUSED ? refusal(text).message : text;
      const err = linkError('failed to authenticate to server', 'DRT_ERR_AUTHENTICATION', why);
      this.destroy(err);
      return;
    }
    if (this.#isReady) return;
    this.#isReady = true;
    const [hostport, serverVersion, localHostports] = text.split('|');
    this.#startPings(serverVersion);
    this.#watcher.onReady({ hostport, serverVersion: serverVersion || undefined, localHostports: localHostports || undefined });
  }

  /** @param {string} version */
  #startPings(version) {
    const { pingInterval = 0 } = this.#options;
    if (pingInterval === 0 || !new ServerVersion(version).answersPings) return;
    this.#timer = setInterval(() => this.#ping(), pingInterval);
    this.#timer.unref();
  }

  #ping() {
    if (!this.#heard) {
      this.destroy(linkError('the server does not answer', 'DRT_ERR_LINK_DEAD'));
      return;
    }
    this.#heard = false;
    this.send([Command.PING, PING_ID, '', '']);
  }

  #closed() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#watcher.onClosed(this.#reason);
  }
}

/**
 * @param {string} message
 * @param {string} code
 * @param {unknown} [cause]
 */
function linkError(message, code, cause) {
  return new DrachtioError(message, code, cause === undefined ? undefined : { cause });
}

module.exports = { ServerConnection };
