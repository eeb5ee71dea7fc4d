'use strict';

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
    start((err, value) => (err !== null && err !== undefined ? reject(err) : resolve(/** @type {T} */ (value))));
  });
  promise.catch(() => {});
  return promise;
}

module.exports = { promised };
