'use strict';

// Taken before a test mocks the global one: the engine does not stop for that.
const { setImmediate } = require('node:timers');
const { CommandLink, Command } = require('./command_link');
const { disconnected, throwLater } = require('./errors');
const { Monitor } = require('./monitor');

/** @typedef {import('./native').EngineClass} EngineClass */

/**
 * An array of what the native part has to say: to call a function is cheaper there than to fill an array.
 *
 * @param {(string | number)[]} entries
 */
const collect = (...entries) => entries;

/** The one place that talks to the native engine. */
class EngineLink extends CommandLink {
  #engine;
  #isDraining = false;
  /** @type {Monitor | undefined} */
  #monitor = undefined;
  /** @type {Promise<unknown>} */
  #starting = Promise.resolve();
  /** @type {Promise<void> | undefined} */
  #closing = undefined;

  /** Where other applications connect to, as in `tcp/127.0.0.1:9022`. @type {string[]} */
  adminHostports = [];

  /**
   * @param {EngineClass} Engine the native class, or one that is used like it
   * @param {import('./command_link').Receiver} receiver
   */
  constructor(Engine, receiver) {
    super(receiver);
    this.#engine = new Engine(() => this.#drain());
  }

  /**
   * Binds the sockets. Commands that were given before go over when that is done; when it fails,
   * they fail with the same error.
   *
   * @param {import('./native').StartOptions} options
   * @param {string[]} routes the methods whose requests the application takes
   * @returns {Promise<string[]>} the addresses listened on
   */
  start(options, routes) {
    const timers = /** @type {{t1?: number, transaction?: number}} */ (options.engine.timers ?? {});
    this.transactionTime = timers.transaction ?? 64 * (timers.t1 ?? 500);
    const starting = this.#begin({ ...options, routes }).then(
      ({ hostports, adminHostports }) => {
        this.adminHostports = adminHostports ?? [];
        this.open((batch) => this.#engine.submit(batch));
        return hostports;
      },
      (err) => {
        this.shut(err);
        throw err;
      },
    );
    this.#starting = starting.catch(() => {});
    return starting;
  }

  /** @param {import('./native').StartOptions & {routes: string[]}} options */
  async #begin(options) {
    const started = await this.#engine.start(options);
    const where = options.observe?.metrics;
    if (where === undefined) return started;
    const monitor = new Monitor({ metrics: () => this.#engine.metrics(), isReady: () => this.isOpen && !this.#isDraining });
    try {
      await monitor.open(where);
    } catch (err) {
      await this.#engine.close();
      throw err;
    }
    this.#monitor = monitor;
    return started;
  }

  /**
   * Asks for the requests of a method.
   *
   * @param {string} method
   */
  route(method) {
    this.submit(Command.ROUTE, method, '', { refused: throwLater });
  }

  /**
   * Asks for no more requests of a method.
   *
   * @param {string} method
   */
  removeRoute(method) {
    this.submit(Command.REMOVE_ROUTE, method, '', { refused: throwLater });
  }

  /** The sizes of the engine's tables. */
  census() {
    return this.#engine.census();
  }

  counters() {
    return this.#engine.counters();
  }

  /**
   * @param {string} level
   * @param {string} text
   */
  log(level, text) {
    this.#engine.log(level, text);
  }

  /** @param {string} level */
  setLogLevel(level) {
    this.#engine.setLogLevel(level);
  }

  /** @param {Record<string, unknown>} screening */
  setScreening(screening) {
    this.#engine.setScreening(screening);
  }

  async metrics() {
    await this.#starting;
    return this.#engine.metrics();
  }

  /**
   * Gives the engine new settings of TLS.
   *
   * @param {Record<string, unknown>} settings
   * @returns {Promise<void>} fulfilled when they are in force
   */
  async reloadTls(settings) {
    await this.#starting;
    return this.#engine.reloadTls(settings);
  }

  /** How many other applications are connected. */
  applications() {
    return this.#engine.applications();
  }

  /** Has new requests from the network rejected; calls go on. */
  drain() {
    this.#isDraining = true;
    this.#engine.drain();
  }

  /**
   * Other applications that connect from now on must know one of these secrets.
   *
   * @param {string[]} secrets
   */
  setSecrets(secrets) {
    this.#engine.setSecrets(secrets);
  }

  /**
   * Gives other settings of TLS to the server of other applications.
   *
   * @param {Record<string, unknown>} settings
   */
  setServerTls(settings) {
    this.#engine.setServerTls(settings);
  }

  /**
   * Ends everything. What has been asked for before is still carried out. May be called at any
   * time, and again.
   *
   * @returns {Promise<void>} fulfilled when the sockets are closed
   */
  close() {
    this.#closing ??= this.#starting.then(async () => {
      this.flush();
      await this.#engine.close();
      this.#monitor?.close();
      this.#drain();
      await this.handedOut();
      this.shut(disconnected());
    });
    return this.#closing;
  }

  /** Hands out what has come, a batch in each turn of the event loop: so the commands of its handlers go over in between, and timers run. */
  #drain() {
    const events = this.#take();
    if (events.length === 0) return;
    this.dispatch(events);
    setImmediate(() => this.#drain());
  }

  #take() {
    try {
      return this.#engine.take(collect);
    } catch (err) {
      this.lose(/** @type {Error} */ (err));
      return [];
    }
  }
}

module.exports = { EngineLink };
