// CPU time and peak rate by transport, beside those of UDP in the same run.

import { measure } from './processes.mjs';
import { findPeak, fresh } from './speed.mjs';

/** UDP first: the others are compared to it. */
const TRANSPORTS = ['udp', 'tcp', 'tls', 'ws', 'wss'];

const OPTIONS = { kind: 'options', app: 'answer', rate: 2000 };
const CALL = { kind: 'call', app: 'answer', rate: 1000, first: 3000 };

/** A row for each transport. The load of all but UDP comes over a few connections that stay. */
export async function transports({ seconds, steps }) {
  const results = [];
  for (const transport of TRANSPORTS) {
    const fixed = (load) => fresh({ ...load, transport }, (app) => measure(app, load.kind, load.rate, load.rate * seconds));
    const [options, call] = [await fixed(OPTIONS), await fixed(CALL)];
    const peak = await findPeak({ ...CALL, transport }, { seconds: Math.min(seconds, 4), steps });
    results.push({ transport, options, call, peak });
  }
  return results.map((result) => row(result, results[0]));
}

function row({ transport, options, call, peak }, udp) {
  const failed = options.started - options.succeeded + call.started - call.succeeded;
  return {
    transport,
    'CPU µs per OPTIONS': options.cpu.toFixed(1),
    'OPTIONS × UDP': times(options.cpu, udp.options.cpu),
    'CPU µs per call': call.cpu.toFixed(1),
    'call × UDP': times(call.cpu, udp.call.cpu),
    'p99 ms': (call.p99 / 1000).toFixed(1),
    'peak calls per s': peak ? Math.round(peak.rate) : '-',
    'peak × UDP': times(peak?.rate, udp.peak?.rate),
    'CPU µs per call at peak': peak ? peak.cpu.toFixed(1) : '-',
    failed,
  };
}

function times(value, reference) {
  return value && reference ? (value / reference).toFixed(2) : '-';
}
