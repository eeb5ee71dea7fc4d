'use strict';

const { misuse } = require('../errors');
const { withEngine } = require('../native');
const { isRemote } = require('../remote/options');
const { milliseconds } = require('./durations');
const { Names } = require('./names');
const { Network } = require('./network');
const { randomFrom } = require('./random');
const { simulatedEngine } = require('./simulated_engine');
const { SimulatedPeer } = require('./simulated_peer');
const { Timeline } = require('./timeline');
const { installTimers } = require('./virtual_timers');

/** @typedef {import('./durations').Duration} Duration */

/**
 * What the engines and peers of a world share.
 *
 * @typedef {object} Scene
 * @property {number} seed
 * @property {Timeline} timeline
 * @property {Network} network
 * @property {Names} names
 * @property {number} engines how many have been started
 *
 * @typedef {object} LinkOptions
 * @property {Duration} [latency]
 * @property {Duration} [jitter]
 * @property {import('./network').Link['loss']} [loss]
 * @property {number} [duplication]
 *
 * @typedef {object} OwnOptions
 * @property {number} [seed]
 * @property {Record<string, string | readonly string[]>} [names]
 * @property {boolean} [timers]
 *
 * @typedef {LinkOptions & OwnOptions} WorldOptions
 *
 * What can be connected.
 *
 * @typedef {object} Application
 * @property {(options: object, callback: (err: Error | null, hostport?: string) => void) => unknown} connect
 * @property {() => unknown} [disconnect]
 */

const LINK = new Set(['latency', 'jitter', 'loss', 'duplication']);
const OWN = new Set(['seed', 'names', 'timers']);

const MAX_SEED = 2 ** 31;

/** The world whose time the timers have; there is one at most. @type {World | undefined} */
let timekeeper;

/** A simulated network on virtual time, in which applications and peers live. */
class World {
  /** @type {Scene} */
  #scene;
  #Engine;
  /** @type {Set<Application>} */
  #applications = new Set();
  /** @type {() => void} */
  #restoreTimers = () => {};

  /** @param {WorldOptions} options */
  constructor(options) {
    const { seed = 0, names = {}, timers = false, ...link } = read('openWorld', options, [...OWN, ...LINK]);
    if (!Number.isInteger(seed) || seed < 0 || seed >= MAX_SEED) throw wrong('openWorld', 'seed', `a whole number from 0 to ${MAX_SEED - 1}`);
    if (typeof names !== 'object' || names === null) throw wrong('openWorld', 'names', 'an object with the addresses of names');
    if (typeof timers !== 'boolean') throw wrong('openWorld', 'timers', 'true or false');
    const timeline = new Timeline();
    const network = new Network(timeline, randomFrom(seed), { latency: 0, jitter: 0, loss: 0, duplication: 0, ...readLink('openWorld', link) });
    this.#scene = { seed, timeline, network, names: new Names(names), engines: 0 };
    this.#Engine = simulatedEngine(this.#scene);
    if (timers) this.#keepTime();
  }

  #keepTime() {
    if (timekeeper !== undefined) throw wrong('openWorld', 'timers', 'false while another world has the timers');
    timekeeper = this;
    this.#restoreTimers = installTimers(this.#scene.timeline);
  }

  /** The virtual time that has passed, in milliseconds. */
  get now() {
    return this.#scene.timeline.now;
  }

  /** What has been sent, in the order in which it was. */
  get sent() {
    return this.#scene.network.sent.map((sent) => ({ ...sent, arrivals: [...sent.arrivals] }));
  }

  /**
   * Connects an application: its engine gets the addresses of its contacts in this world.
   *
   * @param {Application} application
   * @param {object} [options] those of `connect`
   * @returns {Promise<string>} where it listens
   */
  async connect(application, options = {}) {
    if (isRemote(options)) throw misuse("World#connect: there is no drachtio-server in a world; leave 'host' and 'port' out", 'DRT_ERR_INVALID_OPTION');
    if ('observe' in options) throw misuse("World#connect: an engine in a world is not observed; leave 'observe' out", 'DRT_ERR_INVALID_OPTION');
    const hostport = await new Promise((resolve, reject) => {
      withEngine(this.#Engine, () => application.connect(options, (err, hostport) => (err ? reject(err) : resolve(hostport))));
    });
    this.#applications.add(application);
    return hostport;
  }

  /**
   * A peer in this world.
   *
   * @param {string} uri by which it is reached; its host is an address, or a name that has one
   */
  peer(uri) {
    return new SimulatedPeer(this.#scene, uri);
  }

  /**
   * Lets time pass, and everything happen that happens in it.
   *
   * @param {Duration} time
   * @returns {Promise<void>}
   */
  async advance(time) {
    const { timeline } = this.#scene;
    const until = timeline.now + milliseconds(time, 'World#advance: the time');
    await new Promise((resolve) => timeline.wait(until, () => resolve(undefined)));
  }

  /**
   * Lets time stand still until a promise is settled: for what the application waits for outside of this world.
   *
   * @template T
   * @param {T} work
   * @returns {T} the promise
   */
  hold(work) {
    this.#scene.timeline.hold(Promise.resolve(work));
    return work;
  }

  /**
   * Makes the network another one from now on. What is not mentioned stays.
   *
   * @param {LinkOptions} options
   */
  setLink(options) {
    const { network } = this.#scene;
    const call = 'World#setLink';
    network.link = { ...network.link, ...readLink(call, read(call, options, [...LINK])) };
  }

  /** Disconnects the applications, and brings back the true timers. */
  async close() {
    if (timekeeper === this) timekeeper = undefined;
    this.#restoreTimers();
    this.#restoreTimers = () => {};
    const applications = [...this.#applications];
    this.#applications.clear();
    await Promise.all(applications.map((application) => application.disconnect?.()));
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose]() {
    return this.close();
  }
}

/**
 * @template {object} T
 * @param {string} call
 * @param {T} options
 * @param {string[]} known
 * @returns {T}
 */
function read(call, options, known) {
  if (typeof options !== 'object' || options === null) throw misuse(`${call}: options must be an object`, 'DRT_ERR_INVALID_OPTION');
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw misuse(`${call}: unknown option '${unknown}'; known here: ${known.join(', ')}`, 'DRT_ERR_INVALID_OPTION');
  return options;
}

/**
 * @param {string} call
 * @param {LinkOptions} options
 * @returns {Partial<import('./network').Link>}
 */
function readLink(call, { latency, jitter, loss, duplication }) {
  /** @type {Partial<import('./network').Link>} */
  const link = {};
  if (latency !== undefined) link.latency = milliseconds(latency, `${call}: option 'latency'`);
  if (jitter !== undefined) link.jitter = milliseconds(jitter, `${call}: option 'jitter'`);
  if (loss !== undefined) {
    if (typeof loss !== 'function' && !isShare(loss)) throw wrong(call, 'loss', 'a share from 0 to 1, or a function');
    link.loss = loss;
  }
  if (duplication !== undefined) {
    if (!isShare(duplication)) throw wrong(call, 'duplication', 'a share from 0 to 1');
    link.duplication = duplication;
  }
  return link;
}

/** @param {unknown} value */
function isShare(value) {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

/**
 * @param {string} call
 * @param {string} name
 * @param {string} wanted
 */
function wrong(call, name, wanted) {
  return misuse(`${call}: option '${name}' must be ${wanted}`, 'DRT_ERR_INVALID_OPTION');
}

module.exports = { World };
