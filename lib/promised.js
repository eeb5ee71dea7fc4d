'use strict';

/** How many promises of what the engine tells have been settled. */
let settlements = 0;

/**
 * Takes note that somebody may go on who has awaited what the engine tells.
 */
function noteSettled() {
  settlements += 1;
}

/** A number that is another one when somebody may go on. */
function settledSoFar() {
  return settlements;
}

/**
 * A promise for what would else be told to a callback. Who ignores it has not asked how it went: then a failure
 * is no `unhandledRejection`.
 *
 * @template T
 * @param {(callback: (err: Error | null, value?: T) => void) => void} start
 * @returns {Promise<T>}
 */
function promised(start) {
  const promise = new Promise((resolve, reject) => {
    start((err, value) => {
      noteSettled();
      if (err !== null && err !== undefined) reject(err);
      else resolve(/** @type {T} */ (value));
    });
  });
  promise.catch(() => {});
  return promise;
}

module.exports = { noteSettled, promised, settledSoFar };
