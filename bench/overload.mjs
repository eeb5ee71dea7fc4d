// More calls than are carried: how many still come through, and what becomes of the others.

import { measure } from './processes.mjs';
import { proxies } from './proxy.mjs';
import { findPeak, fresh } from './speed.mjs';

/** Offered, as multiples of the peak rate. */
const TIMES = [1, 1.5, 2, 3];

/** The peak of each proxy, and then what it does with more. */
export async function overload({ seconds, steps }) {
  const rows = [];
  for (const load of proxies()) {
    const peak = await findPeak(load, { seconds: Math.min(seconds, 4), steps });
    if (!peak) {
      rows.push({ load: `${load.name}: no rate was carried` });
      continue;
    }
    for (const times of TIMES) {
      const rate = Math.round(peak.rate * times);
      const result = await fresh(load, (app) => measure(app, load.kind, rate, rate * seconds));
      rows.push(row(`${load.name}, ${times} × peak`, result, seconds));
    }
  }
  return rows;
}

function row(name, result, seconds) {
  const share = (count) => `${((count / result.started) * 100).toFixed(1)} %`;
  return {
    load: name,
    'offered per s': result.rate,
    'carried per s': Math.round(result.inTime / seconds),
    refused: share(result.refused),
    'no answer': share(result.timedOut),
    'sent twice': result.resent,
    'p50 ms': (result.p50 / 1000).toFixed(0),
    'p99 ms': (result.p99 / 1000).toFixed(0),
  };
}
