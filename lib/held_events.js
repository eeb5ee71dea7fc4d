'use strict';

const { EventEmitter } = require('node:events');

/** How many events wait for a listener; when one more comes, the oldest is dropped. */
const MAX_HELD_EVENTS = 16;

/**
 * An EventEmitter that costs nothing until somebody listens. Node's own constructor is what makes
 * an EventEmitter expensive, and its methods work without it: they make what they miss.
 */
function BareEmitter() {}
Object.setPrototypeOf(BareEmitter.prototype, EventEmitter.prototype);
Object.setPrototypeOf(BareEmitter, EventEmitter);

const Base = /** @type {typeof EventEmitter} */ (/** @type {unknown} */ (BareEmitter));

/**
 * Emits now, or when the event gets its first listener.
 *
 * @type {(emitter: HoldingEmitter, event: string, ...args: unknown[]) => void}
 */
let tell;

/**
 * Moves the listeners of an event to another emitter.
 *
 * @param {HoldingEmitter} from
 * @param {HoldingEmitter} to
 * @param {string | symbol} event
 */
function moveListeners(from, to, event) {
  for (const listener of from.rawListeners(event)) to.on(event, /** @type {(...args: unknown[]) => void} */ (listener));
  from.removeAllListeners(event);
}

/**
 * An emitter whose owner can `tell` it of things that must not be missed: what nobody listens to
 * yet waits for the first listener. So `const req = await app.request(…)` may attach its
 * `response` listener after the response is here.
 */
class HoldingEmitter extends Base {
  /** @type {[string, unknown[]][] | undefined} */
  #held = undefined;

  static {
    tell = (emitter, event, ...args) => {
      // What waits has come before.
      if (emitter.#held === undefined || !emitter.#holds(event)) {
        if (emitter.emit(event, ...args)) return;
        emitter.#held ??= [];
      }
      emitter.#held.push([event, args]);
      if (emitter.#held.length > MAX_HELD_EVENTS) emitter.#held.shift();
    };
  }

  /**
   * @param {string | symbol} event
   * @param {(...args: any[]) => void} listener
   * @returns {this}
   */
  on(event, listener) {
    super.on(event, listener);
    if (this.#held !== undefined && this.#holds(event)) process.nextTick(() => this.#release(event));
    return this;
  }

  /**
   * @param {string | symbol} event
   * @param {(...args: any[]) => void} listener
   * @returns {this}
   */
  addListener(event, listener) {
    return this.on(event, listener);
  }

  /** @param {string | symbol} event */
  #holds(event) {
    return this.#held?.some(([name]) => name === event);
  }

  /** @param {string | symbol} event */
  #release(event) {
    while (this.#held !== undefined && this.listenerCount(event) > 0) {
      const at = this.#held.findIndex(([name]) => name === event);
      if (at === -1) return;
      const [[, args]] = this.#held.splice(at, 1);
      if (this.#held.length === 0) this.#held = undefined;
      this.emit(event, ...args);
    }
  }
}

module.exports = { HoldingEmitter, MAX_HELD_EVENTS, tell, moveListeners };
