'use strict';

const { setMaxListeners } = require('node:events');

/**
 * Calls a function when a signal is aborted. One signal may end any number of requests.
 *
 * @param {AbortSignal} signal
 * @param {() => void} listener
 * @returns {() => void} takes the listener off again
 */
function onAbort(signal, listener) {
  setMaxListeners(0, signal);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

module.exports = { onAbort };
