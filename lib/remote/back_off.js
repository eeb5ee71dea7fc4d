'use strict';

/** The delay that the first one grows from, in milliseconds, and by what it grows. */
const BASE = 150;
const GROWTH = 1.7;

/** The longest delay, unless the application says another. */
const LONGEST = 60_000;

/**
 * When to try again, and when to give up: delays of 255, 433, 736 … milliseconds. The connection that has failed or
 * was lost counts as the first attempt.
 */
class BackOff {
  #delay = BASE;
  #attempt = 1;
  #spent = 0;
  #options;

  /** @param {import('./options').ReconnectOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @returns {{delay: number, attempt: number} | undefined} undefined when it is time to give up */
  next() {
    const { maxAttempts = Infinity, connectTimeout = Infinity, retryMaxDelay = LONGEST } = this.#options;
    this.#delay = Math.min(Math.floor(this.#delay * GROWTH), retryMaxDelay);
    this.#attempt += 1;
    this.#spent += this.#delay;
    if (this.#attempt > maxAttempts || this.#spent > connectTimeout) return undefined;
    return { delay: this.#delay, attempt: this.#attempt };
  }

  /** The connection is there: the next one that fails is the first again. */
  reset() {
    this.#delay = BASE;
    this.#attempt = 1;
    this.#spent = 0;
  }
}

module.exports = { BackOff };
