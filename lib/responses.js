'use strict';

const { onAbort } = require('./abort');
const { noteSettled } = require('./promised');

/** @typedef {import('./request').Request} Request */
/** @typedef {import('./response').Response} Response */

/** The event of a request that gets no more responses, if the last one did not say so. */
const OVER = Symbol('over');

/**
 * The responses to a request that was sent, one after the other: it ends when there will be no more.
 *
 * @implements {AsyncIterableIterator<Response>}
 */
class Responses {
  #req;
  #isEnded;
  /** Those that came before they were asked for. @type {Response[]} */
  #queue = [];
  /** Who has asked before they came. @type {{resolve: (result: IteratorResult<Response, undefined>) => void, reject: (err: unknown) => void}[]} */
  #asking = [];
  #isOver = false;
  /** @type {unknown} */
  #err = undefined;
  #offSignal = () => {};

  /** @param {Response} res */
  #onResponse = (res) => {
    const asker = this.#asking.shift();
    if (asker === undefined) {
      this.#queue.push(res);
    } else {
      noteSettled();
      asker.resolve({ value: res, done: false });
    }
    if (/** @type {number} */ (res.status) >= 200 && this.#isEnded()) this.#end();
  };

  #onOver = () => this.#end();

  /** @param {unknown} err */
  #onLost = (err) => this.#end(err);

  /**
   * @param {Request} req
   * @param {() => boolean} isEnded whether no more responses come; asked after each final one, until `over` says it
   * @param {AbortSignal} [signal] ends the iteration with its reason
   */
  constructor(req, isEnded, signal) {
    const hasEnded = isEnded();
    this.#req = req;
    // When all have come before, those that have waited for a listener come now, and none is known to be the last.
    this.#isEnded = () => !hasEnded && isEnded();
    req.on('response', this.#onResponse);
    req.on('lost', this.#onLost);
    req.on(OVER, this.#onOver);
    if (signal) this.#offSignal = onAbort(signal, () => this.#end(signal.reason));
    if (signal?.aborted) this.#end(signal.reason);
    // What waited for a listener is told by then.
    else if (hasEnded) setImmediate(() => this.#end());
  }

  /** @returns {Promise<IteratorResult<Response, undefined>>} */
  next() {
    const res = this.#queue.shift();
    if (res !== undefined) return Promise.resolve({ value: res, done: false });
    if (!this.#isOver) return new Promise((resolve, reject) => this.#asking.push({ resolve, reject }));
    const err = this.#err;
    this.#err = undefined;
    return err === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(err);
  }

  /** Called when a loop is left early. Responses that come later are nobody's. */
  return() {
    this.#queue = [];
    this.#end();
    return Promise.resolve({ value: undefined, done: /** @type {const} */ (true) });
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @param {unknown} [err] */
  #end(err) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#req.removeListener('response', this.#onResponse);
    this.#req.removeListener('lost', this.#onLost);
    this.#req.removeListener(OVER, this.#onOver);
    this.#offSignal();
    const [first, ...others] = this.#asking;
    this.#asking = [];
    noteSettled();
    if (first === undefined) this.#err = err;
    else if (err === undefined) first.resolve({ value: undefined, done: true });
    else first.reject(err);
    for (const { resolve } of others) resolve({ value: undefined, done: true });
  }
}

module.exports = { OVER, Responses };
