'use strict';

const { onAbort } = require('./abort');

/** @typedef {import('./request').Request} Request */
/** @typedef {import('./response').Response} Response */

/**
 * The responses to a request that was sent, one after the other: it ends after the final one.
 *
 * @implements {AsyncIterableIterator<Response>}
 */
class Responses {
  #req;
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
    if (asker === undefined) this.#queue.push(res);
    else asker.resolve({ value: res, done: false });
    if (/** @type {number} */ (res.status) >= 200) this.#end();
  };

  /** @param {unknown} err */
  #onLost = (err) => this.#end(err);

  /**
   * @param {Request} req
   * @param {boolean} hasEnded whether its final response has come already
   * @param {AbortSignal} [signal] ends the iteration with its reason
   */
  constructor(req, hasEnded, signal) {
    this.#req = req;
    req.on('response', this.#onResponse);
    req.on('lost', this.#onLost);
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
    this.#offSignal();
    const [first, ...others] = this.#asking;
    this.#asking = [];
    if (first === undefined) this.#err = err;
    else if (err === undefined) first.resolve({ value: undefined, done: true });
    else first.reject(err);
    for (const { resolve } of others) resolve({ value: undefined, done: true });
  }
}

module.exports = { Responses };
