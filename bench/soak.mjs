// One minute of calls through the application: whether its memory settles, and whether every call succeeds.

import { measure, startApp } from './processes.mjs';

const ROUND_SECONDS = 10;

/** Beyond the 32 s that the first transactions live (RFC 3261 §17.2, timers H and J), so that the last rounds are level. */
const ROUNDS = 6;

const MIB = 1024 * 1024;

/** Rounds of proxied calls at one rate, through one process. */
export async function soak({ soakRate }) {
  const app = await startApp('proxy');
  try {
    await measure(app, 'proxied', soakRate, soakRate);
    const rows = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = await app.memory();
      const result = await measure(app, 'proxied', soakRate, soakRate * ROUND_SECONDS);
      rows.push(row(round, before, result, await app.memory()));
    }
    return rows;
  } finally {
    await app.stop();
  }
}

function row(round, before, result, after) {
  const span = (part) => `${mebibytes(before[part])} → ${mebibytes(after[part])}`;
  return {
    seconds: `${round * ROUND_SECONDS}–${(round + 1) * ROUND_SECONDS}`,
    calls: result.started,
    failed: result.started - result.succeeded,
    'sent twice': result.resent,
    'CPU µs each': result.cpu.toFixed(1),
    'p99 ms': (result.p99 / 1000).toFixed(2),
    'native MiB': span('native'),
    'JavaScript MiB': span('heap'),
  };
}

function mebibytes(bytes) {
  return Math.round(bytes / MIB);
}
