'use strict';

const { promised } = require('./promised');

/** @typedef {import('./sip_message').SipMessage} SipMessage */

/**
 * What `res.send` returns: a promise of the message as it was sent. That the engine tells how a response went costs more
 * than most responses, so it is asked only when somebody waits: with `await`, or with `then`.
 *
 * @implements {PromiseLike<SipMessage>}
 */
class Sending {
  /** @type {Promise<SipMessage> | undefined} */
  #promise = undefined;

  /**
   * Calls back how the sending goes, or went.
   *
   * @protected
   * @param {(err: Error | null, message?: SipMessage) => void} _callback
   */
  hear(_callback) {
    throw new Error('to be defined by the class below');
  }

  get #asked() {
    this.#promise ??= promised((callback) => this.hear(callback));
    return this.#promise;
  }

  /**
   * @template A, B
   * @param {((message: SipMessage) => A | PromiseLike<A>) | null} [onFulfilled]
   * @param {((reason: any) => B | PromiseLike<B>) | null} [onRejected]
   */
  then(onFulfilled, onRejected) {
    return this.#asked.then(onFulfilled, onRejected);
  }

  /**
   * @template B
   * @param {((reason: any) => B | PromiseLike<B>) | null} [onRejected]
   */
  catch(onRejected) {
    return this.#asked.catch(onRejected);
  }

  /** @param {(() => void) | null} [onFinally] */
  finally(onFinally) {
    return this.#asked.finally(onFinally);
  }

  get [Symbol.toStringTag]() {
    return 'Promise';
  }
}

module.exports = { Sending };
