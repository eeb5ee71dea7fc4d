'use strict';

const { syncBuiltinESMExports } = require('node:module');
const timers = require('node:timers');
const promises = require('node:timers/promises');
const { promisify } = require('node:util');

/** The time of day at the beginning of every world. The engine has the same (`src/addon/simulated_engine.rs`). */
const FIRST_DAY = Date.UTC(2000, 0, 1);

/** The longest delay of a timer; a longer one is none, as with the timers of Node.js. */
const MAX_DELAY = 2 ** 31 - 1;

/** @typedef {import('./timeline').Timeline} Timeline */
/** @typedef {(...args: unknown[]) => void} Callback */

/** What `setTimeout` and `setInterval` return. */
class Timeout {
  #timeline;
  #callback;
  #delay;
  #repeats;
  /** @type {import('./timeline').Entry | undefined} */
  #entry = undefined;
  #isReferenced = true;

  /**
   * @param {Timeline} timeline
   * @param {() => void} callback
   * @param {unknown} delay
   * @param {boolean} repeats
   */
  constructor(timeline, callback, delay, repeats) {
    const number = Math.trunc(Number(delay));
    this.#timeline = timeline;
    this.#callback = callback;
    this.#delay = number >= 1 && number <= MAX_DELAY ? number : 1;
    this.#repeats = repeats;
    this.refresh();
  }

  refresh() {
    this.close();
    this.#entry = this.#timeline.plan(this.#timeline.now + this.#delay, () => {
      this.#entry = undefined;
      if (this.#repeats) this.refresh();
      this.#callback();
    });
    return this;
  }

  close() {
    if (this.#entry !== undefined) this.#timeline.cancel(this.#entry);
    this.#entry = undefined;
    return this;
  }

  ref() {
    this.#isReferenced = true;
    return this;
  }

  unref() {
    this.#isReferenced = false;
    return this;
  }

  hasRef() {
    return this.#isReferenced;
  }
}

/**
 * Has `setTimeout`, `setInterval`, `clearTimeout`, `clearInterval` and `Date` follow virtual time: the global ones, those of
 * `node:timers`, and `setTimeout` of `node:timers/promises`.
 *
 * @param {Timeline} timeline
 * @returns {() => void} brings the true ones back
 */
function installTimers(timeline) {
  /**
   * @param {boolean} repeats
   * @returns {(callback: Callback, delay?: unknown, ...args: unknown[]) => Timeout}
   */
  const maker = (repeats) => (callback, delay, ...args) => new Timeout(timeline, () => callback(...args), delay, repeats);
  /**
   * @param {(timer: any) => void} clear
   * @returns {(timer: unknown) => void}
   */
  const clearer = (clear) => (timer) => (timer instanceof Timeout ? void timer.close() : clear(timer));
  const virtual = {
    setTimeout: Object.assign(maker(false), { [promisify.custom]: sleeper(timeline) }),
    setInterval: maker(true),
    clearTimeout: clearer(timers.clearTimeout),
    clearInterval: clearer(timers.clearInterval),
  };
  const restorers = [
    replace(globalThis, { ...virtual, Date: virtualDate(timeline) }),
    replace(timers, virtual),
    replace(promises, { setTimeout: sleeper(timeline) }),
  ];
  syncBuiltinESMExports();
  return () => {
    for (const restore of restorers) restore();
    syncBuiltinESMExports();
  };
}

/** @param {Timeline} timeline */
function sleeper(timeline) {
  /**
   * @param {unknown} [delay]
   * @param {unknown} [value]
   * @param {{signal?: AbortSignal}} [options]
   */
  return (delay, value, { signal } = {}) =>
    new Promise((resolve, reject) => {
      const abort = () => {
        timeout.close();
        reject(Object.assign(new Error('The operation was aborted', { cause: signal?.reason }), { name: 'AbortError', code: 'ABORT_ERR' }));
      };
      const wake = () => {
        signal?.removeEventListener('abort', abort);
        resolve(value);
      };
      const timeout = new Timeout(timeline, wake, delay, false);
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
}

/**
 * The true class, but for what depends on the time of day.
 *
 * @param {Timeline} timeline
 */
function virtualDate(timeline) {
  const now = () => FIRST_DAY + timeline.now;
  return new Proxy(Date, {
    apply: (target) => new target(now()).toString(),
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  });
}

/**
 * @param {object} target
 * @param {Record<string, unknown>} substitutes
 */
function replace(target, substitutes) {
  const before = Object.keys(substitutes).map((name) => /** @type {const} */ ([name, Object.getOwnPropertyDescriptor(target, name) ?? {}]));
  for (const [name, value] of Object.entries(substitutes)) {
    Object.defineProperty(target, name, { configurable: true, enumerable: true, writable: true, value });
  }
  return () => {
    for (const [name, descriptor] of before) Object.defineProperty(target, name, descriptor);
  };
}

module.exports = { installTimers };
