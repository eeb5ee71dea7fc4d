'use strict';

const { EventEmitter } = require('node:events');
const { ApiLogger } = require('./api_logger');
const { CHANNELS } = require('./channels');
const { readConnectOptions } = require('./connect_options');
const { readScreeningOptions, readTlsOptions } = require('./engine_options');
const { conclude, letPass, run } = require('./dispatcher');
const { DrachtioError } = require('./errors');
const { loadEngine } = require('./native');
const { promised } = require('./promised');
const { draftRequest, notConnected, readArguments } = require('./request_draft');
const { Session } = require('./session');

/** @typedef {import('./dispatcher').Handler} Handler */
/** @typedef {import('./request').Request} Request */
/** @typedef {import('./response').Response} Response */
/** @typedef {(err: Error | null, hostport?: string) => void} ConnectCallback */

const API_LOGGER = 'api logger';

/** What is asked for to be told of requests inside dialogs that pass. */
const PASSING_ROUTE = 'in-dialog';

/** @type {Handler} */
const PASS = (req, res, next) => next();

/**
 * One application's access to a SIP engine.
 *
 * Events: `connect` (null, hostport), `connection:closed` (what was on it), `close`, `error` (err).
 */
class Agent extends EventEmitter {
  /** @type {Session | undefined} */
  #session = undefined;
  #handler;
  /** Who decides on requests that pass. @type {Handler | undefined} */
  #decider = undefined;
  #owner;
  /** What was said of TLS last. @type {Record<string, unknown>} */
  #tls = {};
  /** @type {Set<string>} */
  #routes = new Set();
  /** @type {Map<string, unknown>} */
  #params = new Map();
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
   * Starts the engine.
   *
   * @param {{contact?: unknown, engine?: unknown} | ConnectCallback} [options]
   * @param {ConnectCallback} [callback]
   */
  connect(options = {}, callback = undefined) {
    const done = typeof options === 'function' ? options : callback;
    const start = readConnectOptions(typeof options === 'function' ? {} : options);
    if (this.#session !== undefined) throw new DrachtioError('connect: this application is connected already', 'DRT_ERR_ALREADY_CONNECTED');
    const session = new Session(this, (req, res) => this.#handle(req, res), loadEngine());
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
   * @param {string} hostport
   * @param {ConnectCallback | undefined} callback
   */
  #connected(hostport, callback) {
    this.#params.set('hostport', hostport);
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
   * A connection has ended on which the application had something.
   *
   * @param {Session} session
   * @param {import('./closed_connection').ClosedConnection} closed
   */
  connectionClosed(session, closed) {
    if (this.#session === session) this.#announce('connection:closed', closed);
  }

  /**
   * @param {Request} req
   * @param {Response} res
   */
  #handle(req, res) {
    run(this.#handler, undefined, req, res, (err) => conclude(err, req, res));
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
    this.#session?.route(method);
  }

  /**
   * Asks for no more requests of a method. Those inside dialogs of this application still come.
   *
   * @param {string} method as it was given to `route`
   */
  removeRoute(method) {
    if (!this.#routes.delete(method)) throw new DrachtioError(`no route request to remove for ${method}`, 'DRT_ERR_NOT_ROUTED');
    this.#session?.removeRoute(method);
  }

  /**
   * Sends a request. Without a callback the request, as sent, comes as a promise.
   *
   * @param {...unknown} args `(options, callback)` or `(uri, options, callback)`
   * @returns {Promise<Request> | undefined}
   */
  request(...args) {
    const session = this.#session;
    if (session === undefined) throw notConnected();
    const { options, callback } = readArguments(args);
    const draft = draftRequest(options);
    if (callback === undefined) return promised((done) => session.request(draft, done));
    session.request(draft, callback);
    return undefined;
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
    this.#params.set(name, value);
  }

  /** @param {string} name */
  get(name) {
    return this.#params.get(name);
  }

  /** @param {unknown} target */
  #log(target) {
    const logger = target === null || target === undefined ? undefined : new ApiLogger(target);
    this.#logger?.end();
    this.#logger = logger;
    if (this.#session !== undefined) this.#session.link.logger = logger;
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
    if (session === undefined) throw notConnected();
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
    if (session === undefined) throw notConnected();
    session.link.setScreening(readScreeningOptions(screening));
  }

  /**
   * The numbers of the engine in the text format of Prometheus.
   *
   * @returns {Promise<string>}
   */
  metrics() {
    const session = this.#session;
    return session === undefined ? Promise.reject(notConnected()) : session.link.metrics();
  }

  /** Whether nothing is awaited: no answer of the engine, no final response to a request, no ACK or PRACK. */
  get idle() {
    return this.#session?.idle ?? true;
  }

  /** The sizes of the engine's tables, as `{serverTransactions, dialogs, …}`; empty when not connected. */
  census() {
    return this.#session?.link.census() ?? {};
  }

  /** What has happened since the engine started, as `{failovers, timeLost, …}`; empty when not connected. */
  counters() {
    return this.#session?.link.counters() ?? {};
  }

  /**
   * Ends every call and closes the sockets. May be called at any time.
   *
   * @returns {Promise<void>} fulfilled when that is done
   */
  async disconnect() {
    const session = this.#session;
    if (session === undefined) return;
    await session.close();
    if (this.#session !== session) return;
    this.#session = undefined;
    if (CHANNELS.disconnected.hasSubscribers) CHANNELS.disconnected.publish({ agent: this });
    process.nextTick(() => this.#announce('close'));
  }
}

module.exports = { Agent };
