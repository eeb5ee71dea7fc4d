'use strict';

/** How often is looked whether calls have ended, in milliseconds. */
const INTERVAL = 100;

/**
 * Has an engine reject new requests, and waits until what it has begun is over.
 *
 * @param {import('./engine_link').EngineLink} link
 * @param {number} deadline how long to wait for that, in milliseconds
 * @param {() => boolean} isClosing whether there is nothing to wait for any more
 */
async function drain(link, deadline, isClosing) {
  link.drain();
  for (let left = deadline; left > 0 && isBusy(link) && !isClosing(); left -= INTERVAL) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, INTERVAL)));
  }
}

/** @param {import('./engine_link').EngineLink} link */
function isBusy(link) {
  const { dialogs, openTransactions } = link.census();
  return dialogs + openTransactions > 0;
}

module.exports = { drain };
