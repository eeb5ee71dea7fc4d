'use strict';

const { EventEmitter } = require('node:events');
const { Blacklist } = require('./blacklist');
const { Director } = require('./director');
const { readServeOptions } = require('./options');
const { DrachtioError } = require('../errors');
const { loadEngine } = require('../native');
const { drain } = require('../drain');
const { embeddedSession } = require('../embedded_session');

/** What must not be in a line of the log: a web server may have said it. */
const LINE_BREAKS = /[\r\n]+/g;

/** Where applications connect when it is only said that they may. */
const DEFAULT_PORT = 9022;
const DEFAULT_TLS_PORT = 9023;

/**
 * A drachtio-server: a SIP engine for applications that connect by TCP or TLS, this package's and
 * drachtio-srf's.
 *
 * Events: `unrouted` (err, req): a request was answered 480 or 500 since it could not be brought to an
 * application; `error` (err): the engine has failed; `close`.
 */
class Server extends EventEmitter {
  #options;
  #session;
  #director;
  /** @type {Blacklist | undefined} */
  #blacklist = undefined;
  /** What redis has said last. @type {string[]} */
  #blacklisted = [];
  /** @type {Promise<void> | undefined} */
  #closing = undefined;
  /** @type {Promise<void> | undefined} */
  #draining = undefined;

  /** Where SIP is listened for, as in `udp/127.0.0.1:5060`. @type {string[]} */
  hostports = [];

  /** Where applications connect, as in `tcp/127.0.0.1:9022`. @type {string[]} */
  adminHostports = [];

  /** @param {import('./options').ServeOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#director = new Director(options.requestHandlers, (err, req) => this.#unrouted(err, req));
    const agent = {
      lost: (/** @type {unknown} */ _session, /** @type {Error} */ err) => this.#lost(err),
      connectionClosed() {},
    };
    this.#session = embeddedSession(
      /** @type {import('../agent').Agent} */ (/** @type {unknown} */ (agent)),
      (req, res) => this.#handle(req, res),
      loadEngine(),
    );
  }

  /** Binds all sockets. */
  async start() {
    const { contact: contacts, engine, observe } = this.#options;
    const { link } = this.#session;
    try {
      this.hostports = await link.start({ contacts, engine, observe, server: serverSettings(this.#options) }, this.#director.verbs);
    } catch (err) {
      this.#director.close();
      throw err;
    }
    this.adminHostports = link.adminHostports;
    this.#watchBlacklist();
  }

  /** Whether new requests are rejected because the server is about to end. */
  get draining() {
    return this.#draining !== undefined || this.#closing !== undefined;
  }

  /** The sizes of the engine's tables, and how many applications are connected. */
  census() {
    return { ...this.#session.link.census(), ...this.#session.link.applications() };
  }

  /** The numbers of the server in the text format of Prometheus. */
  metrics() {
    return this.#session.link.metrics();
  }

  /**
   * Puts a line into the log, if there is one (`observe.log`).
   *
   * @param {string} level `notice`, `error`, `warning`, `info` or `debug`
   * @param {string} text
   */
  log(level, text) {
    this.#session.link.log(level, text);
  }

  /** What has happened since the server started. */
  counters() {
    return this.#session.link.counters();
  }

  /**
   * Takes other settings into use. What is left out stays.
   *
   * @param {{secret?: string, tls?: Record<string, unknown>, certificate?: {cert: string, key: string}, requestHandlers?: unknown[],
   *   screening?: Record<string, unknown>, blacklist?: unknown, logLevel?: string}} settings
   * @throws {Error} which says what can't be used; then nothing has changed
   */
  async reload(settings = {}) {
    const { contact, engine, admin, requestHandlers } = this.#options;
    const given = {
      contact,
      engine: { ...engine, ...(settings.tls && { tls: settings.tls }), ...(settings.screening && { screening: settings.screening }) },
      admin: { ...admin, ...(settings.secret !== undefined && { secret: settings.secret }), ...(settings.certificate && { certificate: settings.certificate }) },
      requestHandlers: settings.requestHandlers ?? requestHandlers,
      blacklist: 'blacklist' in settings ? settings.blacklist : this.#options.blacklist,
      observe: settings.logLevel === undefined ? {} : { log: { level: settings.logLevel } },
    };
    const options = { ...this.#options, ...only(readServeOptions(given), ['engine', 'admin', 'requestHandlers', 'blacklist']) };
    const methods = (/** @type {import('./options').RequestHandler[]} */ handlers) => handlers.map(({ method }) => method).toSorted().join();
    if (methods(options.requestHandlers) !== methods(requestHandlers)) {
      throw new DrachtioError('serve: the methods of request handlers can only change with a restart', 'DRT_ERR_INVALID_OPTION');
    }
    const { link } = this.#session;
    await link.reloadTls(/** @type {Record<string, unknown>} */ (options.engine.tls ?? {}));
    link.setServerTls(serverTls(options));
    link.setSecrets([options.admin.secret]);
    this.#director.replace(options.requestHandlers);
    if (settings.logLevel !== undefined) link.setLogLevel(settings.logLevel);
    this.#options = options;
    this.#screen();
    this.#watchBlacklist();
  }

  /**
   * Rejects new requests with 503 and waits for the calls to end, then closes the server.
   *
   * @param {{deadline?: number}} [options] `deadline`: how long calls may go on, in milliseconds; they are hung up then
   * @returns {Promise<void>} fulfilled when the server is closed
   */
  drain({ deadline = this.#options.drain.deadline } = {}) {
    this.#draining ??= this.#drain(deadline);
    return this.#draining;
  }

  /** Whoever is on the blacklist is turned away like those that were named. */
  #screen() {
    const screening = /** @type {{blocked?: string[]}} */ (this.#options.engine.screening ?? {});
    const blocked = [...(screening.blocked ?? []), ...this.#blacklisted];
    this.#session.link.setScreening({ ...screening, blocked });
  }

  #watchBlacklist() {
    this.#blacklist?.stop();
    this.#blacklist = undefined;
    const { blacklist } = this.#options;
    if (blacklist === undefined) {
      if (this.#blacklisted.length > 0) this.#block([]);
      return;
    }
    this.#blacklist = new Blacklist(
      blacklist,
      (addresses) => this.#block(addresses),
      (level, text) => this.log(level, text),
    );
    void this.#blacklist.start();
  }

  /** @param {string[]} addresses */
  #block(addresses) {
    this.#blacklisted = addresses;
    this.#screen();
  }

  /** @param {number} deadline */
  async #drain(deadline) {
    await drain(this.#session.link, deadline, () => this.#closing !== undefined);
    await this.close();
  }

  /**
   * Hangs up all calls and closes all sockets. May be called at any time.
   *
   * @returns {Promise<void>} fulfilled when that is done
   */
  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close() {
    this.#blacklist?.stop();
    this.#director.close();
    await this.#session.close();
    this.emit('close');
  }

  /**
   * @param {Error} err
   * @param {import('../request').Request} req
   */
  #unrouted(err, req) {
    this.log('warning', `${req.method} from ${req.source_address} could not be routed: ${err.message.replaceAll(LINE_BREAKS, ' ')}`);
    this.emit('unrouted', err, req);
  }

  /** @param {Error} err */
  #lost(err) {
    this.#director.close();
    this.emit('error', err);
  }

  /**
   * A request has come that a request handler is asked about.
   *
   * @param {import('../request').Request} req
   * @param {import('../response').Response} res
   */
  #handle(req, res) {
    // What is neither answered nor given away is answered by the engine in time.
    void this.#director.direct(this.#session, req, res);
  }
}

/** @param {import('./options').ServeOptions} options */
function serverSettings(options) {
  const { host, port, tlsPort, secret, adopt, limits, keepAliveInterval } = options.admin;
  const ports = [
    { host, port: numberOf(port, DEFAULT_PORT), secure: false },
    { host, port: numberOf(tlsPort, DEFAULT_TLS_PORT), secure: true },
  ];
  const listen = ports.filter((place) => place.port !== undefined);
  return { listen, secrets: [secret], tls: serverTls(options), adopt, limits: { ...limits, keepAliveInterval } };
}

/**
 * @param {number | boolean} port
 * @param {number} usual
 */
function numberOf(port, usual) {
  if (typeof port === 'number') return port;
  return port ? usual : undefined;
}

/**
 * What applications that do TLS are shown, and what applications must show that are connected to by TLS.
 *
 * @param {import('./options').ServeOptions} options
 */
function serverTls({ admin, engine }) {
  const tls = /** @type {Record<string, unknown>} */ (engine.tls ?? {});
  const { certificate } = admin;
  return certificate === undefined ? tls : { ...tls, certificates: [certificate] };
}

/**
 * @template {object} T
 * @template {keyof T} K
 * @param {T} object
 * @param {K[]} keys
 * @returns {Pick<T, K>}
 */
function only(object, keys) {
  return /** @type {Pick<T, K>} */ (Object.fromEntries(keys.map((key) => [key, object[key]])));
}

/**
 * Starts a drachtio-server in this process.
 *
 * @param {unknown} [options] see `options.js` and `docs/server.md`
 * @returns {Promise<Server>} fulfilled when it listens
 */
async function serve(options = {}) {
  const server = new Server(readServeOptions(options));
  await server.start();
  return server;
}

module.exports = { Server, serve };
