// CPU time per request and per call, the peak rate, and the latencies.

import { measure, startApp } from './processes.mjs';

const KINDS = [
  { kind: 'options', app: 'answer', name: 'OPTIONS → 200', rate: 2000, first: 8000 },
  { kind: 'call', app: 'answer', name: 'call to the application', rate: 1000, first: 3000 },
  { kind: 'proxied', app: 'proxy', name: 'call through the application', rate: 500, first: 1500 },
];

/** Requests or calls before the first that count. */
const WARM = 6000;

/** Each kind of load at its fixed rate and at the highest rate that it bears. */
export async function speed({ seconds, steps }) {
  const rows = [];
  for (const load of KINDS) {
    const fixed = await fresh(load, (app) => measure(app, load.kind, load.rate, load.rate * seconds));
    rows.push(row(`${load.name}, fixed rate`, fixed));
    const peak = await findPeak(load, { seconds: Math.min(seconds, 4), steps });
    rows.push(row(`${load.name}, peak`, peak));
  }
  return rows;
}

/** A new process for each measurement, so that none carries the finished transactions of another. */
export async function fresh({ app: kind, kind: load, rate, transport, start = () => startApp(kind, transport) }, task) {
  const app = await start();
  try {
    // Until V8 has compiled what is hot.
    await measure(app, load, rate * 2, WARM);
    return await task(app);
  } finally {
    await app.stop();
  }
}

/** Raises the rate until it is not borne any more, then halves the distance `steps` times. */
export async function findPeak(load, { seconds, steps }) {
  let [low, high, best] = [0, Infinity, undefined];
  let rate = load.first;
  while (steps > 0) {
    const count = Math.round(rate * seconds);
    const result = await fresh(load, (app) => measure(app, load.kind, rate, count));
    if (isBorne(result, seconds)) [low, best] = [rate, result];
    else high = rate;
    if (high !== Infinity) steps -= 1;
    rate = Math.round(high === Infinity ? low * 1.6 : (low + high) / 2);
  }
  return best;
}

/** All answered, next to nothing sent twice, and in the time it was offered in. */
function isBorne({ succeeded, started, resent, seconds }, offered) {
  return succeeded === started && resent < started / 1000 && seconds < offered * 1.05 + 0.2;
}

export function row(name, result) {
  if (!result) return { load: name, 'per s': '-' };
  return {
    load: name,
    'per s': Math.round(result.rate),
    'CPU µs each': result.cpu.toFixed(1),
    'p50 ms': (result.p50 / 1000).toFixed(2),
    'p99 ms': (result.p99 / 1000).toFixed(2),
    failed: result.started - result.succeeded,
    'sent twice': result.resent,
  };
}
