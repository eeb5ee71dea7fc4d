// Resident bytes: of a finished transaction that waits out its timer, and of a call that is up.

import { setTimeout as sleep } from 'node:timers/promises';
import { startApp, startLoad } from './processes.mjs';

/** Timer J of RFC 3261 §17.2.2, and timer L of RFC 6026: 64 × T1. */
const TRANSACTION = 32_000;

/** The growth of the process outside the JavaScript heap, and of that heap, per transaction and per call. */
export async function memory({ transactions, calls }) {
  return [await ofTransactions(transactions), ...(await ofCalls(calls))];
}

async function ofTransactions(count) {
  const app = await startApp('answer');
  await offer(app, 'options', 2000);
  const before = await app.memory();
  await offer(app, 'options', count);
  const row = growth('finished transaction (OPTIONS)', before, await app.memory(), count);
  await app.stop();
  return row;
}

/**
 * Two waves of calls. The INVITE transactions of the first wave are still there when it is measured; when they have ended,
 * those of the second wave use their room, and what the second wave adds is the calls.
 */
async function ofCalls(count) {
  const app = await startApp('answer');
  await offer(app, 'call', 1000);
  const start = await app.memory();
  const first = await holdCalls(app, count);
  const full = await app.memory();
  await sleep(TRANSACTION + 2000);
  const rested = await app.memory();
  const second = await holdCalls(app, count);
  await sleep(500);
  const both = await app.memory();
  for (const wave of [first, second]) wave.release();
  await Promise.all([first.finished(), second.finished()]);
  await app.stop();
  return [
    growth('held call, its INVITE transaction included', start, full, count),
    growth('held call, its INVITE transaction ended', rested, both, count),
  ];
}

async function offer(app, kind, count) {
  await startLoad(kind, app, { rate: 4000, count }).finished();
}

async function holdCalls(app, count) {
  const load = startLoad('call', app, { rate: 1500, count, hold: true });
  const { held } = await load.held();
  if (held !== count) throw new Error(`${held} of ${count} calls were put up`);
  return load;
}

function growth(name, before, after, count) {
  return {
    each: name,
    count,
    'native bytes': Math.round((after.native - before.native) / count),
    'JavaScript bytes': Math.round((after.heap - before.heap) / count),
  };
}
