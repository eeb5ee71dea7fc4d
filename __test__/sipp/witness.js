'use strict';
// A process that does nothing but look at the clock, and so tells how long this machine let nobody run.
//
// A load that is offered in real time shows what the application does only on a machine that runs it. On one that stood still
// for half a second every peer sends again (RFC 3261 timer A), whatever the application is like.

const { spawn } = require('node:child_process');
const { once } = require('node:events');

const LOOK = `
  const { performance } = require('node:perf_hooks');
  let [last, longest] = [performance.now(), 0];
  setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 5);
  process.stdin.on('end', () => process.stdout.write(String(longest), () => process.exit())).resume();
`;

/**
 * Starts looking.
 *
 * @returns {() => Promise<number>} ends it, and tells the longest time in ms between two looks that should be 5 ms apart
 */
function witness() {
  const child = spawn(process.execPath, ['-e', LOOK], { stdio: ['pipe', 'pipe', 'inherit'] });
  const chunks = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  return async () => {
    child.stdin.end();
    await once(child, 'close');
    return Number(Buffer.concat(chunks).toString());
  };
}

module.exports = { witness };
