'use strict';

const { reasonPhrase } = require('./status');

/**
 * Calls a listener once, before the first response is sent, with the response as `this` and what
 * is about to be sent: status, reason, options.
 *
 * @param {import('./response').Response} res
 * @param {(this: import('./response').Response, status: number, reason: string, options: object) => void} listener
 * @throws {TypeError} when either is missing
 */
function onSend(res, listener) {
  if (!res) throw new TypeError('argument res is required');
  if (typeof listener !== 'function') throw new TypeError('argument listener must be a function');
  const { send } = res;
  let isFirst = true;
  /** @type {typeof send} */
  res.send = function sendAndTell(status, ...args) {
    if (isFirst) {
      isFirst = false;
      const reason = typeof args[0] === 'string' ? args[0] : reasonPhrase(status);
      const options = args.slice(0, 2).find((arg) => typeof arg === 'object' && arg !== null) ?? {};
      listener.call(this, status, reason, options);
    }
    return send.call(this, status, ...args);
  };
}

module.exports = { onSend };
