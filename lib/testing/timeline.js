'use strict';

// Taken before a test mocks the global one.
const { setImmediate } = require('node:timers');
const { throwLater } = require('../errors');

/**
 * Something that is to happen.
 *
 * @typedef {object} Entry
 * @property {number} time
 * @property {() => void} action
 *
 * Somebody who waits for a time to come.
 *
 * @typedef {object} Wait
 * @property {number} until
 * @property {() => void} reached
 *
 * Something that has deadlines of its own.
 *
 * @typedef {object} Clock
 * @property {() => number | undefined} next
 * @property {() => void} ring called when that time has come
 */

/**
 * How many turns of the event loop nothing must have happened before time may pass. What a handler does in one turn, with all
 * that it awaits, is done at its end; a few more are for those who wait for a turn themselves.
 */
const QUIET_TURNS = 6;

/**
 * Virtual time. It passes only while somebody waits for a time to come, and jumps from one event to the next. After each event
 * the JavaScript that it has set going comes to rest first.
 */
class Timeline {
  #now = 0;
  /** In the order of their times; those of the same time in the order in which they were planned. @type {Entry[]} */
  #entries = [];
  /** @type {Set<Clock>} */
  #clocks = new Set();
  /** @type {Set<Wait>} */
  #waits = new Set();
  /** What time stands still for. @type {Set<Promise<unknown>>} */
  #works = new Set();
  #isRunning = false;
  /** How often something has happened. */
  #happenings = 0;

  /** Milliseconds since the beginning. */
  get now() {
    return this.#now;
  }

  /**
   * Has something done when a time has come.
   *
   * @param {number} time
   * @param {() => void} action
   * @returns {Entry} for `cancel`
   */
  plan(time, action) {
    const entry = { time, action };
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entries[middle].time <= time) low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, entry);
    if (time <= this.#now) this.#stir();
    return entry;
  }

  /** @param {Entry} entry */
  cancel(entry) {
    const at = this.#entries.indexOf(entry);
    if (at !== -1) this.#entries.splice(at, 1);
  }

  /**
   * Lets time pass until a time has come and everything that happens up to then has happened.
   *
   * @param {number} until
   * @param {() => void} reached
   * @returns {() => void} stops the waiting
   */
  wait(until, reached) {
    const wait = { until, reached };
    this.#waits.add(wait);
    this.#stir();
    return () => void this.#waits.delete(wait);
  }

  /** @param {Clock} clock */
  add(clock) {
    this.#clocks.add(clock);
  }

  /** @param {Clock} clock */
  remove(clock) {
    this.#clocks.delete(clock);
  }

  /**
   * Lets time stand still until something is done.
   *
   * @param {Promise<unknown>} work
   */
  hold(work) {
    const done = () => {
      this.#works.delete(settled);
      this.note();
    };
    const settled = work.then(done, done);
    this.#works.add(settled);
  }

  /** Something has happened that the JavaScript of the test or the application may go on with. */
  note() {
    this.#happenings += 1;
  }

  #stir() {
    this.note();
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  async #run() {
    await this.#settle();
    while (this.#step()) await this.#settle();
    this.#isRunning = false;
  }

  /** Does what comes next; false if there is nothing that may happen now. */
  #step() {
    const [entry] = this.#entries;
    const clock = this.#earliestClock();
    const wait = this.#earliestWait();
    const time = Math.min(entry?.time ?? Infinity, clock?.time ?? Infinity);
    if (time <= (wait?.until ?? this.#now)) {
      this.#now = Math.max(this.#now, time);
      // A message that comes at the time of a deadline is in time.
      if (entry?.time === time) {
        this.#entries.shift();
        attempt(entry.action);
      } else {
        attempt(() => clock?.clock.ring());
      }
      return true;
    }
    if (wait === undefined) return false;
    this.#now = Math.max(this.#now, wait.until);
    this.#waits.delete(wait);
    wait.reached();
    return true;
  }

  #earliestClock() {
    let earliest;
    for (const clock of this.#clocks) {
      const time = clock.next();
      if (time !== undefined && time < (earliest?.time ?? Infinity)) earliest = { clock, time };
    }
    return earliest;
  }

  #earliestWait() {
    /** @type {Wait | undefined} */
    let earliest;
    for (const wait of this.#waits) if (earliest === undefined || wait.until < earliest.until) earliest = wait;
    return earliest;
  }

  /** Lets the JavaScript that was set going come to rest. */
  async #settle() {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      const before = this.#happenings;
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#works.size > 0) await Promise.race(this.#works);
      if (this.#happenings !== before) quiet = -1;
    }
  }
}

/** @param {() => void} action what it throws is nobody's, as in a callback of the event loop */
function attempt(action) {
  try {
    action();
  } catch (err) {
    throwLater(err);
  }
}

module.exports = { Timeline };
