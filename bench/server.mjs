// Calls to an application that is on a server, over TCP on loopback, beside one with the engine in its own process.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from '../scripts/tools.mjs';
import { measure } from './processes.mjs';
import { findPeak, fresh, row } from './speed.mjs';

const require = createRequire(import.meta.url);
const { freePort } = require('../__test__/sipp/free_port.js');

const KINDS = [
  { kind: 'options', name: 'OPTIONS', rate: 2000, first: 4000 },
  { kind: 'call', name: 'call', rate: 500, first: 1500 },
];

/** Each kind of load on each arrangement, at its fixed rate and at the highest rate that it bears. */
export async function server({ seconds, steps }) {
  const arrangements = [
    { name: 'embedded', app: 'answer' },
    { name: 'drachtio-srf on the server', start: () => startOnServer('drachtio-srf') },
  ];
  const rows = [];
  for (const load of KINDS) {
    for (const arrangement of arrangements) {
      const both = { ...load, ...arrangement };
      const fixed = await fresh(both, (app) => measure(app, load.kind, load.rate, load.rate * seconds));
      rows.push(row(`${load.name}, ${arrangement.name}, fixed rate`, fixed));
      const peak = await findPeak(both, { seconds: Math.min(seconds, 4), steps });
      rows.push(row(`${load.name}, ${arrangement.name}, peak`, peak));
    }
  }
  return rows;
}

/** A server and an application on it, each in a process of its own; their CPU time together. */
async function startOnServer(framework) {
  const port = await freePort();
  const server = start('server.js', String(port));
  const { adminPort } = await reply(server);
  const app = start('on_server.js', framework, String(adminPort));
  await reply(app);
  return {
    target: `127.0.0.1:${port}`,
    async cpu() {
      let total = 0;
      for (const child of [server, app]) {
        child.send('cpu');
        const { user, system } = await reply(child);
        total += user + system;
      }
      return total;
    },
    async stop() {
      for (const child of [app, server]) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    },
  };
}

function start(script, ...args) {
  return fork(join(root, 'bench', 'apps', script), args);
}

async function reply(child) {
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`a process of the benchmark ended with ${code}`);
  });
  const [message] = await Promise.race([once(child, 'message'), failed]);
  return message;
}
