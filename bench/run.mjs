// All measurements, one after the other. `scripts/bench.mjs` has built what they need.

import { parseArgs } from 'node:util';
import { idleTls } from './idle_tls.mjs';
import { memory } from './memory.mjs';
import { overload } from './overload.mjs';
import { parsing } from './parsing.mjs';
import { proxy } from './proxy.mjs';
import { server } from './server.mjs';
import { soak } from './soak.mjs';
import { speed } from './speed.mjs';
import { transports } from './transports.mjs';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string', multiple: true }, rate: { type: 'string', default: '2000' } },
});

const scale = values.quick
  ? { seconds: 3, steps: 2, transactions: 20_000, calls: 5_000 }
  : { seconds: 8, steps: 4, transactions: 100_000, calls: 20_000 };
const soakRate = Number(values.rate);
if (!Number.isInteger(soakRate) || soakRate < 1) throw new Error('--rate is a number of calls a second');

/** Only when they are asked for by name. */
const ON_DEMAND = new Set(['overload', 'soak']);

const parts = {
  parsing: ['Parsing, ns per message, and how many times as long drachtio-srf takes', parsing],
  speed: ['Load over UDP on loopback, through JavaScript handlers', speed],
  proxy: ['Calls through the application, and through Kamailio', proxy],
  overload: ['More calls than are carried', overload],
  server: ['An application on the server, over TCP on loopback, and one with the engine in its own process', server],
  transports: ['The same by transport, and as a multiple of UDP', transports],
  memory: ['Resident memory', memory],
  idleTls: ['Resident memory of connections', idleTls],
  soak: [`A minute of ${soakRate} calls a second through the application`, soak],
};

for (const [name, [title, part]] of Object.entries(parts)) {
  if (values.only ? !values.only.includes(name) : ON_DEMAND.has(name)) continue;
  console.log(`\n${title}`);
  console.table(await part({ ...scale, soakRate }));
}
