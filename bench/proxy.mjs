// A call through the application beside the same call through Kamailio: CPU time per call, the latencies, the peak rate.

import { kamailioVersion, startKamailio, whyNoKamailio } from './kamailio.mjs';
import { measure } from './processes.mjs';
import { findPeak, fresh, row } from './speed.mjs';

/** Calls per second at which both are measured. */
const RATES = [500, 1000, 2000, 5000];

/** The proxies that are measured: ours, and Kamailio where there is one. */
export function proxies() {
  const contenders = [{ name: 'drachtio', kind: 'proxied', app: 'proxy', rate: 500, first: 1500 }];
  const why = whyNoKamailio();
  if (why) console.log(`Kamailio is left out: ${why}`);
  else contenders.push({ name: `Kamailio ${kamailioVersion()}`, kind: 'proxied', start: startKamailio, rate: 500, first: 600 });
  return contenders;
}

/** One after the other at each rate, in one run: only what the same machine did at the same time can be compared. */
export async function proxy({ seconds, steps }) {
  const contenders = proxies();
  const rows = [];
  for (const rate of RATES) {
    const results = [];
    for (const load of contenders) results.push(await fresh(load, (app) => measure(app, load.kind, rate, rate * seconds)));
    rows.push(...withRatio(contenders, `${rate} calls/s`, results, cpuRatio));
  }
  const peaks = [];
  for (const load of contenders) peaks.push(await findPeak(load, { seconds: Math.min(seconds, 4), steps }));
  rows.push(...withRatio(contenders, 'peak', peaks, rateRatio));
  return rows;
}

function withRatio(contenders, name, results, ratio) {
  const rows = results.map((result, i) => row(`${contenders[i].name}, ${name}`, result));
  if (results.length > 1 && results.every(Boolean)) rows.push({ load: ratio(...results) });
  return rows;
}

const cpuRatio = (own, other) => `Kamailio takes ${(other.cpu / own.cpu).toFixed(2)} times the CPU`;
const rateRatio = (own, other) => `Kamailio carries ${(other.rate / own.rate).toFixed(2)} times the calls`;
