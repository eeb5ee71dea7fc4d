'use strict';

const { EventEmitter } = require('node:events');
const { Agent } = require('./agent');
const { dispatch, readLayers } = require('./dispatcher');
const { DrachtioError } = require('./errors');
const { inject } = require('./inject');
const { METHODS } = require('./methods');
const { notConnected } = require('./request_draft');

/** @typedef {import('./dispatcher').Next} Next */
/** @typedef {import('./request').Request} Request */
/** @typedef {import('./response').Response} Response */

/**
 * What an application begins with: the function `app(req, res, next)`. A constructor that returns
 * an object gives that object the fields of the classes below it, so the function becomes an `App`.
 *
 * @param {Function} handler
 */
function CallableEmitter(handler) {
  return Object.setPrototypeOf(handler, new.target.prototype);
}
Object.setPrototypeOf(CallableEmitter.prototype, EventEmitter.prototype);
const { apply, bind, call } = Function.prototype;
Object.assign(CallableEmitter.prototype, { apply, bind, call });

const Base = /** @type {new (handler: Function) => EventEmitter} */ (/** @type {unknown} */ (CallableEmitter));

/**
 * An application: a function that takes requests, with a stack of handlers behind it and, once it
 * is connected, a SIP engine.
 */
class App extends Base {
  /** The handlers, in the order in which they are asked. @type {import('./dispatcher').Layer[]} */
  stack = [];
  /** The method that this application is mounted for. */
  method = '*';
  /** A place for what the application wants to share. @type {Record<string, unknown>} */
  locals = Object.create(null);
  /** The agent, once `connect` has been called. @type {Agent | undefined} */
  client = undefined;

  #agent;
  /** Who decides on requests that pass. @type {import('./dispatcher').Layer[]} */
  #deciders = [];
  /** @type {Set<string>} */
  #routed = new Set();

  constructor() {
    /**
     * @param {Request} req
     * @param {Response} res
     * @param {Next} [next]
     */
    function app(req, res, next) {
      self.handle(req, res, next);
    }
    super(app);
    const self = this;
    this.#agent = new Agent(/** @type {import('./dispatcher').Handler} */ (/** @type {unknown} */ (this)), this);
  }

  /**
   * Adds handlers: `use(fn)`, `use(method, fn)`, with any number of functions, arrays of them and
   * applications.
   *
   * @param {...unknown} args
   */
  use(...args) {
    for (const layer of readLayers(args)) {
      if (layer.handle instanceof App) layer.handle.method = layer.method;
      this.stack.push(layer);
      this.#route(layer.method);
    }
    return this;
  }

  /**
   * Adds handlers that decide on requests inside dialogs which pass along a route that was recorded here: each answers
   * the request, proxies it, or calls `next`. One that nobody has answered or proxied passes. Takes what `use` takes.
   *
   * @param {...unknown} args
   */
  onInDialog(...args) {
    const layers = readLayers(args);
    if (this.#deciders.length === 0) {
      this.#agent.onInDialog((req, res, next) => {
        req.app = this;
        dispatch(this.#deciders, req, res, next);
      });
    }
    this.#deciders.push(...layers);
    return this;
  }

  /**
   * Asks for the requests that a handler is for. The engine is asked by the whole name of a method.
   *
   * @param {string} prefix
   */
  #route(prefix) {
    for (const method of methodsOf(prefix)) {
      if (this.#routed.has(method)) continue;
      this.#routed.add(method);
      this.#agent.route(method);
    }
  }

  /**
   * Asks for no more requests of a method, or of the methods that begin so. Handlers stay, and get requests
   * inside calls and subscriptions of this application.
   *
   * @param {string} prefix
   * @throws {DrachtioError} `DRT_ERR_NOT_ROUTED` when they have not been asked for
   */
  removeRoute(prefix) {
    const routed = methodsOf(prefix).filter((method) => this.#routed.delete(method));
    if (routed.length === 0) throw new DrachtioError(`no route request to remove for ${prefix}`, 'DRT_ERR_NOT_ROUTED');
    for (const method of routed) this.#agent.removeRoute(method);
    return this;
  }

  /**
   * Gives a request to the handlers.
   *
   * @param {Request} req
   * @param {Response} res
   * @param {Next} [next] called when the last handler has called its `next`
   */
  handle(req, res, next) {
    req.app = this;
    dispatch(this.stack, req, res, next);
  }

  /**
   * Starts the SIP engine.
   *
   * @param {Parameters<Agent['connect']>[0]} [options]
   * @param {Parameters<Agent['connect']>[1]} [callback]
   */
  connect(options, callback) {
    this.#agent.connect(options, callback);
    this.client = this.#agent;
    return this;
  }

  /**
   * Listens for drachtio-servers that connect to this application.
   *
   * @param {Parameters<Agent['listen']>[0]} options
   * @param {Parameters<Agent['listen']>[1]} [callback]
   */
  listen(options, callback) {
    const listener = this.#agent.listen(options, callback);
    this.client = this.#agent;
    return listener;
  }

  /** Listens no longer. */
  close() {
    this.#agent.close();
  }

  /**
   * Ends the connection on which a server has brought a request.
   *
   * @param {Request | Response} message
   */
  endSession(message) {
    this.#agent.endSession(message);
  }

  /**
   * @param {string | symbol} event
   * @param {(...args: any[]) => void} listener
   */
  on(event, listener) {
    this.#agent.heed(event);
    return super.on(event, listener);
  }

  /**
   * The same as `on`.
   *
   * @param {string | symbol} event
   * @param {(...args: any[]) => void} listener
   */
  addListener(event, listener) {
    return this.on(event, listener);
  }

  /**
   * Sends a request.
   *
   * @param {...unknown} args
   */
  request(...args) {
    if (this.client === undefined) throw notConnected();
    return this.client.request(...args);
  }

  /**
   * @param {string} name
   * @param {unknown} value
   */
  set(name, value) {
    this.#agent.set(name, value);
  }

  /** @param {string} name */
  get(name) {
    return this.#agent.get(name);
  }

  /** What `set` has noted, by name. */
  get params() {
    return this.#agent.params;
  }

  /** Whether nothing is awaited; undefined before `connect`. */
  get idle() {
    return this.client?.idle;
  }

  /**
   * Turns away other requests from now on.
   *
   * @param {unknown} screening
   */
  setScreening(screening) {
    this.#agent.setScreening(screening);
  }

  /** The numbers of the engine in the text format of Prometheus. */
  metrics() {
    return this.#agent.metrics();
  }

  /**
   * Takes new certificates into use while calls go on.
   *
   * @param {unknown} [tls]
   */
  reloadTls(tls) {
    return this.#agent.reloadTls(tls);
  }

  /**
   * Gives a request to the application as if it had come from the network, without an engine or a socket: for tests.
   *
   * @param {string | import('./sip_message').SipMessage} request a method, the text of a request, or a message
   * @param {import('./inject').InjectOptions} [options]
   */
  inject(request, options) {
    return inject(this, this.#agent, request, options);
  }

  /**
   * Rejects new requests and lets calls go on, then disconnects.
   *
   * @param {{deadline?: number}} [options] how long calls may go on, in milliseconds
   */
  drain(options) {
    return this.#agent.drain(options);
  }

  /** Ends every call and closes the sockets. */
  disconnect() {
    return this.#agent.disconnect();
  }

  /** The same as `disconnect`, for `await using`. */
  [Symbol.asyncDispose]() {
    return this.disconnect();
  }
}

/**
 * The methods whose requests a handler for `prefix` is for.
 *
 * @param {string} prefix
 */
function methodsOf(prefix) {
  const lower = prefix.toLowerCase();
  const covered = METHODS.filter((method) => prefix === '*' || method.startsWith(lower));
  return covered.length > 0 ? covered : [lower];
}

for (const method of METHODS) {
  Object.defineProperty(App.prototype, method, {
    configurable: true,
    writable: true,
    /**
     * @this {App}
     * @param {...unknown} handlers
     */
    value(...handlers) {
      return this.use(method, ...handlers);
    },
  });
}

module.exports = { App };
