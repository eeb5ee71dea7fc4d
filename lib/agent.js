'use strict';

const { EventEmitter } = require('node:events');
const { Socket } = require('node:net');
const { ApiLogger } = require('./api_logger');
const { sessionOf } = require('./carrier');
const { CHANNELS } = require('./channels');
const { readConnectOptions } = require('./connect_options');
const { drain } = require('./drain');
const { readDrainOptions, readScreeningOptions, readTlsOptions } = require('./engine_options');
const { conclude, letPass, run } = require('./dispatcher');
const { embeddedSession } = require('./embedded_session');
const { DrachtioError, throwLater } = require('./errors');
const { METHODS } = require('./methods');
const { loadCodec, loadEngine } = require('./native');
const { promised } = require('./promised');
const { AcceptedSessions } = require('./remote/accepted_sessions');
const { AcceptedLink, ServerLink } = require('./remote/link');
const { listenForServers } = require('./remote/listener');
const { isRemote, readListenOptions, readServerOptions } = require('./remote/options');
const { draftRequest, notConnected, readArguments } = require('./request_draft');
const { Session } = require('./session');
const { sharedPlace } = require('./workers');

/** @typedef {import('./dispatcher').Handler} Handler */
/** @typedef {import('./request').Request} Request */
/** @typedef {import('./response').Response} Response */
/** @typedef {import('./remote/connection').Greeting} Greeting */
/** @typedef {(err: Error | null, hostport?: string, serverVersion?: string, localHostports?: string) => void} ConnectCallback */

const API_LOGGER = 'api logger';

/** What is asked for to be told of requests inside dialogs that pass. */
const PASSING_ROUTE = 'in-dialog';

/** @type {Handler} */
const PASS = (req, res, next) => next();

/** Events that a server sends to who asks for them, as for the requests of a method. */
const CDR_EVENTS = new Set(['cdr:attempt', 'cdr:start', 'cdr:stop']);

/** One that the engine of this process tells anyway, and a server only to who asks. */
const CLOSED_EVENT = 'connection:closed';

/**
 * One application's access to a SIP engine: that of this process, or drachtio-servers.
 *
 * Events: `connect` (null, hostport, serverVersion, localHostports), `connection:closed` (what was on it), `close`,
 * `error` (err), `reconnecting` ({delay, attempt}), `listening`, and the call detail records.
 */
class Agent extends EventEmitter {
  /** What `set` has noted, by name. @type {Record<string, unknown>} */
  params = Object.create(null);

  /** @type {Session | undefined} */
  #session = undefined;
  /** Connections that servers have made. */
  #accepted = new AcceptedSessions();
  /** @type {import('node:net').Server | undefined} */
  #listener = undefined;
  #heedsClosings = false;
  /** Who is told of every connection to a server. @type {ConnectCallback | undefined} */
  #onConnect = undefined;
  #handler;
  /** Who decides on requests that pass. @type {Handler | undefined} */
  #decider = undefined;
  #owner;
  /** What was said of TLS last. @type {Record<string, unknown>} */
  #tls = {};
  /** @type {Set<string>} */
  #routes = new Set();
  /** @type {ApiLogger | undefined} */
  #logger = undefined;

  /**
   * @param {Handler} handler gets every request: an application, or any function
   * @param {EventEmitter} [owner] emits what the agent does, too
   */
  constructor(handler, owner) {
    super();
    this.#handler = handler;
    this.#owner = owner;
  }

  /**
   * Starts the engine of this process, or connects to a drachtio-server: the one that `host` and `port` name, or without
   * options the one that this thread was started to share.
   *
   * @param {object | ConnectCallback} [options]
   * @param {ConnectCallback} [callback]
   */
  connect(options = undefined, callback = undefined) {
    const done = typeof options === 'function' ? /** @type {ConnectCallback} */ (options) : callback;
    const given = typeof options === 'function' || options === undefined ? (sharedPlace() ?? {}) : options;
    if (isRemote(given)) return this.#connectTo(given, done);
    const start = readConnectOptions(given);
    this.#mustBeFree();
    const Engine = loadEngine();
    const session = embeddedSession(this, (req, res) => this.#handle(req, res), Engine);
    session.link.logger = this.#logger;
    this.#session = session;
    this.#tls = /** @type {Record<string, unknown>} */ (start.engine.tls ?? {});
    session.link.start(start, [...this.#routes]).then(
      (hostports) => process.nextTick(() => this.#connected(hostports.join(','), done)),
      (err) => process.nextTick(() => this.#failed(session, err, done)),
    );
    return this;
  }

  /**
   * @param {object} options
   * @param {ConnectCallback | undefined} callback
   */
  #connectTo(options, callback) {
    const server = readServerOptions(options);
    this.#mustBeFree();
    const Codec = loadCodec();
    if (server.logger !== undefined) this.set(API_LOGGER, server.logger);
    for (const method of server.methods.includes('*') ? METHODS : server.methods) this.#routes.add(method);
    this.#onConnect = callback;
    this.#session = this.#newSession(Codec.headerNames, (session) => new ServerLink(session, Codec, server, () => this.#wanted()));
    return this;
  }

  /**
   * Listens for drachtio-servers that connect to this application when they have a request for it.
   *
   * @param {object} options
   * @param {() => void} [callback] called when it listens
   * @returns {import('node:net').Server}
   */
  listen(options, callback) {
    const listening = readListenOptions(options);
    if (this.#listener !== undefined) throw new DrachtioError('listen: this application listens already', 'DRT_ERR_ALREADY_CONNECTED');
    const Codec = loadCodec();
    if (listening.logger !== undefined) this.set(API_LOGGER, listening.logger);
    const listener = listenForServers(listening, (socket) => {
      this.#accepted.add(this.#newSession(Codec.headerNames, (session) => new AcceptedLink(session, Codec, socket, listening)));
    });
    this.#listener = listener;
    listener.on('error', (err) => {
      if (!listener.listening) this.#listener = undefined;
      this.#announce('error', err);
    });
    const isListening = () => {
      this.#announce('listening');
      callback?.();
    };
    if (listener.listening) process.nextTick(isListening);
    else listener.once('listening', isListening);
    return listener;
  }

  /** Listens no longer. What servers have connected goes on. */
  close() {
    this.#listener?.close();
    this.#listener = undefined;
  }

  /** What a server is to send. */
  #wanted() {
    return this.#heedsClosings ? [...this.#routes, CLOSED_EVENT] : this.#routes;
  }

  #mustBeFree() {
    if (this.#session !== undefined) throw new DrachtioError('connect: this application is connected already', 'DRT_ERR_ALREADY_CONNECTED');
  }

  /**
   * @template {import('./session').Link} L
   * @param {readonly string[]} headerNames
   * @param {(session: Session) => L} makeLink
   * @returns {Session<L>}
   */
  #newSession(headerNames, makeLink) {
    const session = new Session(this, (req, res) => this.#handle(req, res), headerNames, makeLink);
    session.link.logger = this.#logger;
    return session;
  }

  /**
   * @param {string} hostport
   * @param {ConnectCallback | undefined} callback
   */
  #connected(hostport, callback) {
    this.params.hostport = hostport;
    if (CHANNELS.connected.hasSubscribers) CHANNELS.connected.publish({ agent: this, hostport });
    this.#announce('connect', null, hostport);
    callback?.(null, hostport);
  }

  /**
   * @param {Session} session
   * @param {Error} err
   * @param {ConnectCallback | undefined} callback
   */
  #failed(session, err, callback) {
    if (this.#session === session) this.#session = undefined;
    const emitter = this.#owner ?? this;
    // Somebody must hear of it: without a callback, an `error` that nobody listens to is thrown.
    if (callback === undefined || emitter.listenerCount('error') > 0) this.#announce('error', err);
    callback?.(err);
  }

  /**
   * @param {string} event
   * @param {...unknown} args
   */
  #announce(event, ...args) {
    if (this.#owner === undefined || this.listenerCount(event) > 0) this.emit(event, ...args);
    this.#owner?.emit(event, ...args);
  }

  /**
   * The engine of a session has failed.
   *
   * @param {Session} session
   * @param {Error} err
   */
  lost(session, err) {
    if (this.#session !== session) return;
    this.#session = undefined;
    if (CHANNELS.disconnected.hasSubscribers) CHANNELS.disconnected.publish({ agent: this, err });
    this.#announce('error', err);
  }

  /**
   * A server knows the application, for the first time or again.
   *
   * @param {Session} session
   * @param {Greeting} greeting
   */
  serverConnected(session, { hostport, serverVersion, localHostports }) {
    this.params.hostport = hostport;
    if (CHANNELS.connected.hasSubscribers) CHANNELS.connected.publish({ agent: this, hostport });
    this.#announceSafely('connect', null, hostport, serverVersion, localHostports);
    if (this.#session !== session) return;
    try {
      this.#onConnect?.(null, hostport, serverVersion, localHostports);
    } catch (err) {
      throwLater(err);
    }
  }

  /**
   * A connection to a server has failed; there will be another one, or it was one of many.
   *
   * @param {Session} session
   * @param {Error} err
   */
  serverFailed(session, err) {
    const emitter = this.#owner ?? this;
    // Nobody has to listen, since the application goes on.
    if (emitter.listenerCount('error') > 0) this.#announceSafely('error', err, ...(session.link.isAccepted ? [session.link.socket] : []));
  }

  /** @param {{delay: number, attempt: number}} next */
  serverReconnecting(next) {
    this.#announceSafely('reconnecting', next);
  }

  /**
   * A connection that was there has ended.
   *
   * @param {Session} session
   */
  serverDisconnected(session) {
    if (CHANNELS.disconnected.hasSubscribers) CHANNELS.disconnected.publish({ agent: this });
    this.#announceSafely('close', ...(session.link.isAccepted ? [session.link.socket] : []));
  }

  /**
   * There will be no other connection.
   *
   * @param {Session} session
   * @param {Error & {code?: string}} err
   */
  serverGivenUp(session, err) {
    if (session.link.isAccepted) {
      this.#accepted.delete(session);
      return;
    }
    if (this.#session !== session) return;
    this.#session = undefined;
    const emitter = this.#owner ?? this;
    const isHeard = err.code === 'DRT_ERR_AUTHENTICATION' && emitter.listenerCount('connect') > 0;
    if (err.code === 'DRT_ERR_AUTHENTICATION') this.#announceSafely('connect', err);
    process.nextTick(() => {
      if (isHeard) this.#onConnect?.(err);
      else this.#failed(session, err, this.#onConnect);
    });
  }

  /**
   * @param {string} event
   * @param {...unknown} args
   */
  #announceSafely(event, ...args) {
    try {
      this.#announce(event, ...args);
    } catch (err) {
      throwLater(err);
    }
  }

  /**
   * A dialog has been heard of on a connection that a server has made.
   *
   * @param {Session} session
   * @param {string} dialogId
   */
  noteDialog(session, dialogId) {
    this.#accepted.noteDialog(session, dialogId);
  }

  /**
   * A call detail record has come.
   *
   * @param {string} event
   * @param {unknown[]} args
   */
  recorded(event, args) {
    this.#announce(event, ...args);
  }

  /**
   * Takes note that somebody listens to an event that a server sends only to who asks.
   *
   * @param {string | symbol} event
   */
  heed(event) {
    if (event === CLOSED_EVENT && !this.#heedsClosings) {
      this.#heedsClosings = true;
      if (this.#session?.link.isRemote) this.#session.link.route(CLOSED_EVENT);
    } else if (typeof event === 'string' && CDR_EVENTS.has(event) && !this.#routes.has(event)) {
      this.route(event);
    }
  }

  /**
   * @param {string | symbol} event
   * @param {(...args: any[]) => void} listener
   */
  on(event, listener) {
    this.heed(event);
    return super.on(event, listener);
  }

  /**
   * Ends the connection on which a server has brought a request. For one that this application has made, nothing is done.
   *
   * @param {Request | Response} message
   */
  endSession(message) {
    const session = sessionOf(message);
    if (session?.link.isAccepted) void session.close();
  }

  /**
   * A connection has ended on which the application had something.
   *
   * @param {Session} session
   * @param {import('./closed_connection').ClosedConnection} closed
   */
  connectionClosed(session, closed) {
    if (this.#session === session) this.#announce(CLOSED_EVENT, closed);
  }

  /**
   * @param {Request} req
   * @param {Response} res
   */
  #handle(req, res) {
    run(this.#handler, undefined, req, res, (err) => {
      const wasAnswered = res.finalResponseSent;
      conclude(err, req, res);
      // Nobody has taken what a server has connected for.
      if (!wasAnswered && res.finalResponseSent) this.endSession(res);
    });
  }

  /**
   * Asks for requests inside dialogs that pass along a recorded route, to decide on them.
   *
   * @param {Handler} handler gets each of them; it passes when `next` is called without an error
   */
  onInDialog(handler) {
    if (this.#decider === undefined) this.route(PASSING_ROUTE);
    this.#decider = handler;
  }

  /**
   * A request is about to pass.
   *
   * @param {Request} req
   * @param {Response} res
   */
  decide(req, res) {
    const decider = this.#decider ?? PASS;
    run(decider, undefined, req, res, (err) => letPass(err, req, res));
  }

  /**
   * Asks for the requests of a method.
   *
   * @param {string} method
   */
  route(method) {
    if (this.#routes.has(method)) throw new DrachtioError(`duplicate route request for ${method}`, 'DRT_ERR_DUPLICATE_ROUTE');
    this.#routes.add(method);
    this.#session?.link.route(method);
  }

  /**
   * Asks for no more requests of a method. Those inside dialogs of this application still come.
   *
   * @param {string} method as it was given to `route`
   */
  removeRoute(method) {
    if (!this.#routes.delete(method)) throw new DrachtioError(`no route request to remove for ${method}`, 'DRT_ERR_NOT_ROUTED');
    this.#session?.link.removeRoute(method);
  }

  /**
   * Sends a request. Without a callback the request, as sent, comes as a promise.
   *
   * @param {...unknown} args `(options, callback)` or `(uri, options, callback)`, after the socket to send by if the
   *   application has several
   * @returns {Promise<Request> | undefined}
   */
  request(...args) {
    const socket = args[0] instanceof Socket ? args.shift() : undefined;
    if (this.#session === undefined && this.#accepted.size === 0) throw notConnected();
    const { options, callback } = readArguments(args);
    const session = this.#sessionFor(socket ?? options._socket, options.stackDialogId);
    const draft = draftRequest(options);
    if (callback === undefined) return promised((done) => session.request(draft, done));
    session.request(draft, callback);
    return undefined;
  }

  /**
   * By which connection a request goes: the one that is named, the one that its dialog is known on, the one that this
   * application has made, or the last one that was made to it.
   *
   * @param {unknown} socket
   * @param {string | undefined} dialogId
   */
  #sessionFor(socket, dialogId) {
    const session = this.#accepted.bySocket(socket) ?? this.#accepted.byDialog(dialogId) ?? this.#session ?? this.#accepted.last;
    if (session === undefined) throw notConnected();
    return session;
  }

  /**
   * The same as `request`.
   *
   * @param {...unknown} args
   */
  uac(...args) {
    return this.request(...args);
  }

  /**
   * Notes a setting. Two of them mean something to the agent: `api logger` (a stream, a file name,
   * a function, or null) gets every command and event as text, `handler` takes the requests.
   *
   * @param {string} name
   * @param {unknown} value
   */
  set(name, value) {
    if (name === API_LOGGER) this.#log(value);
    else if (name === 'handler') this.#handler = /** @type {Handler} */ (value);
    this.params[name] = value;
  }

  /** @param {string} name */
  get(name) {
    return this.params[name];
  }

  /** @param {unknown} target */
  #log(target) {
    const logger = target === null || target === undefined ? undefined : new ApiLogger(target);
    this.#logger?.end();
    this.#logger = logger;
    for (const session of this.#sessions) session.link.logger = logger;
  }

  /**
   * Takes new certificates into use, and whatever else `engine.tls` of `connect` may say. Calls go on:
   * connections that begin later use the new ones.
   *
   * @param {unknown} [tls] in the place of what was said before; without it, the files are read again
   * @returns {Promise<void>} fulfilled when the new settings are in force; rejected when they cannot be used, and
   *   then the old ones stay
   */
  async reloadTls(tls) {
    const session = this.#session;
    if (session === undefined) throw notConnected('reloadTls');
    const settings = tls === undefined ? this.#tls : readTlsOptions(tls);
    await session.link.reloadTls(settings);
    this.#tls = settings;
  }

  /**
   * Turns away other requests from now on.
   *
   * @param {unknown} screening in the place of what was said before
   */
  setScreening(screening) {
    const session = this.#session;
    if (session === undefined) throw notConnected('setScreening');
    session.link.setScreening(readScreeningOptions(screening));
  }

  /**
   * The numbers of the engine in the text format of Prometheus.
   *
   * @returns {Promise<string>}
   */
  metrics() {
    const session = this.#session;
    return session === undefined ? Promise.reject(notConnected('metrics')) : session.link.metrics();
  }

  /** Whether nothing is awaited: no answer of the engine, no final response to a request, no ACK or PRACK. */
  get idle() {
    return this.#sessions.every((session) => session.idle);
  }

  /** The sizes of the engine's tables, as `{serverTransactions, dialogs, …}`; empty when not connected. */
  census() {
    return this.#session?.link.census() ?? {};
  }

  /** What has happened since the engine started, as `{failovers, timeLost, …}`; empty when not connected. */
  counters() {
    return this.#session?.link.counters() ?? {};
  }

  get #sessions() {
    return [...(this.#session === undefined ? [] : [this.#session]), ...this.#accepted];
  }

  /**
   * Rejects new requests with 503 and waits for the calls to end, then disconnects.
   *
   * @param {unknown} [options] `deadline`: how long calls may go on, in milliseconds; they are hung up then
   * @returns {Promise<void>} fulfilled when the sockets are closed
   */
  async drain(options = {}) {
    const { deadline = 30_000 } = readDrainOptions(options);
    const session = this.#session;
    if (session === undefined) throw notConnected('drain');
    const link = /** @type {import('./engine_link').EngineLink} */ (session.link);
    await drain(link, deadline, () => this.#session !== session);
    await this.disconnect();
  }

  /**
   * Ends every call and closes the sockets. With drachtio-servers, ends the connections to them, and what becomes of the
   * calls is theirs to say. May be called at any time.
   *
   * @returns {Promise<void>} fulfilled when that is done
   */
  async disconnect() {
    this.close();
    const session = this.#session;
    await Promise.all(this.#sessions.map((one) => one.close()));
    if (session === undefined) return;
    if (this.#session !== session) return;
    this.#session = undefined;
    if (CHANNELS.disconnected.hasSubscribers) CHANNELS.disconnected.publish({ agent: this });
    process.nextTick(() => this.#announce('close'));
  }
}

module.exports = { Agent };
