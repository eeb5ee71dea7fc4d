'use strict';

const { randomBytes } = require('node:crypto');
const { EventEmitter } = require('node:events');
const { availableParallelism } = require('node:os');
const { Worker, getEnvironmentData, setEnvironmentData } = require('node:worker_threads');
const { misuse } = require('./errors');

/** Options of the engine that is shared, as for `connect`. */
const SHARED = new Set(['contact', 'engine', 'observe']);

/** Where a worker is told how to reach the engine that it shares. */
const PLACE = 'drachtio:shared';

/** How long a worker must have lived for its end to be no sign that the next one ends as well, in milliseconds. */
const LONG_LIFE = 5_000;

/** The waiting time before a worker that ended early is replaced, which doubles each time, in milliseconds. */
const FIRST_DELAY = 100;
const LAST_DELAY = 10_000;

/** How long the calls of a worker that has died wait for the one that takes its place, in milliseconds. */
const ADOPT = 30_000;

/**
 * @typedef {object} WorkersOptions
 * @property {number} [count] how many threads; default: one for each processor
 * @property {import('node:worker_threads').WorkerOptions} [worker] the options of each
 * @property {unknown} [contact] where to listen, as for `connect`
 * @property {unknown} [engine] how the engine works, as for `connect`
 * @property {unknown} [observe] what is shown of the engine at work, as for `connect`
 * @property {number} [adopt] how long the calls of a worker that has died wait for its successor, in milliseconds
 *
 * @typedef {object} Place what an application connects to that shares the engine
 * @property {string} host
 * @property {number} port
 * @property {string} secret
 * @property {string[]} tags
 */

/**
 * One engine and several threads of applications. Requests are spread over the threads; what belongs to a dialog goes to
 * the thread that has it. A thread that dies is replaced, and the new one has the dialogs of the old one.
 *
 * Events: `online` (number, worker), `died` (number, err or exit code).
 */
class Workers extends EventEmitter {
  #file;
  #options;
  #server;
  #secret;
  /** @type {Map<number, Worker>} */
  #running = new Map();
  /** @type {Set<NodeJS.Timeout>} */
  #waiting = new Set();
  #closing = false;

  /**
   * @param {string | URL} file the program of each thread
   * @param {WorkersOptions} options
   * @param {import('./serve/server').Server} server started
   * @param {string} secret
   */
  constructor(file, options, server, secret) {
    super();
    this.#file = file;
    this.#options = options;
    this.#server = server;
    this.#secret = secret;
    for (let number = 1; number <= this.count; number++) this.#start(number, FIRST_DELAY);
  }

  /** How many threads there are to be. */
  get count() {
    return this.#options.count ?? availableParallelism();
  }

  /** Where SIP is listened for, as in `udp/127.0.0.1:5060`. */
  get hostports() {
    return this.#server.hostports;
  }

  /** The options of `connect` for one more application in this process. */
  get place() {
    return this.#place([]);
  }

  /** The sizes of the engine's tables, and how many applications are connected. */
  census() {
    return this.#server.census();
  }

  /** The numbers of the engine in the text format of Prometheus. */
  metrics() {
    return this.#server.metrics();
  }

  /**
   * Rejects new requests, waits for the calls to end, and closes everything.
   *
   * @param {{deadline?: number}} [options] `deadline`: how long calls may go on, in milliseconds
   */
  async drain(options) {
    await this.#server.drain(options);
    await this.close();
  }

  /** Hangs up all calls, closes the sockets and ends the threads. */
  async close() {
    this.#closing = true;
    for (const timer of this.#waiting) clearTimeout(timer);
    await this.#server.close();
    await Promise.all([...this.#running.values()].map((worker) => worker.terminate()));
  }

  /** @param {string[]} tags */
  #place(tags) {
    const [, host, port] = /** @type {RegExpExecArray} */ (/^tcp\/(.*):(\d+)$/.exec(this.#server.adminHostports[0]));
    return { host, port: Number(port), secret: this.#secret, tags };
  }

  /**
   * @param {number} number
   * @param {number} delay before the next one, should this one end early
   */
  #start(number, delay) {
    // A worker has the environment data of the moment in which it is made. By its tag it finds the calls of the one before.
    setEnvironmentData(PLACE, /** @type {any} */ (this.#place([`worker-${number}`])));
    const worker = new Worker(this.#file, this.#options.worker);
    setEnvironmentData(PLACE, undefined);
    this.#running.set(number, worker);
    const began = performance.now();
    /** @type {unknown} */
    let failure;
    worker.once('online', () => this.emit('online', number, worker));
    worker.on('error', (err) => {
      failure = err;
    });
    worker.once('exit', (code) => {
      this.#running.delete(number);
      if (this.#closing) return;
      this.emit('died', number, failure ?? code);
      const isEarly = performance.now() - began < LONG_LIFE;
      this.#replace(number, isEarly ? delay : 0, isEarly ? Math.min(delay * 2, LAST_DELAY) : FIRST_DELAY);
    });
  }

  /**
   * @param {number} number
   * @param {number} wait
   * @param {number} next
   */
  #replace(number, wait, next) {
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      this.#start(number, next);
    }, wait);
    this.#waiting.add(timer);
  }
}

/**
 * Starts an engine, and threads whose applications share it: in them `app.connect()` without options means this engine.
 *
 * @param {string | URL} file the program of each thread
 * @param {WorkersOptions} [options]
 * @returns {Promise<Workers>} fulfilled when the sockets are open
 */
async function workers(file, options = {}) {
  const { count, worker, adopt = ADOPT, ...rest } = options;
  if (count !== undefined && !(Number.isInteger(count) && count > 0)) {
    throw misuse(`workers: option 'count' must be a number of threads, not ${JSON.stringify(count)}`, 'DRT_ERR_INVALID_OPTION');
  }
  for (const name of Object.keys(rest)) {
    if (!SHARED.has(name)) throw misuse(`workers: unknown option '${name}'`, 'DRT_ERR_INVALID_OPTION');
  }
  // A server's own application is one that connects, and asks this file for its place.
  const { serve } = require('./serve/server');
  const secret = randomBytes(24).toString('hex');
  const server = await serve({ ...rest, admin: { host: '127.0.0.1', port: 0, secret, adopt } });
  return new Workers(file, { count, worker }, server, secret);
}

/**
 * The engine that this thread was started to share, if there is one.
 *
 * @returns {Place | undefined}
 */
function sharedPlace() {
  return /** @type {any} */ (getEnvironmentData(PLACE));
}

module.exports = { workers, sharedPlace };
