// Requests and calls to an application that is on a server, over TCP on loopback, beside one with the engine in its own process.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from '../scripts/tools.mjs';
import { measure, reply, startApp } from './processes.mjs';
import { row } from './speed.mjs';

const require = createRequire(import.meta.url);
const { freePort } = require('../__test__/sipp/free_port.js');

const LOADS = [
  { kind: 'options', name: 'OPTIONS', rates: [2000, 8000] },
  { kind: 'call', name: 'calls', rates: [500, 2000, 4000] },
];

/** Requests before the first that count, and how many of them a second. */
const WARM = { rate: 2000, count: 6000 };

const CONTENDERS = [
  { name: 'embedded', start: () => startApp('answer') },
  { name: 'drachtio-srf on the server', start: () => startOnServer('drachtio-srf') },
  { name: 'this package on the server', start: () => startOnServer('../..') },
];

/** All arrangements one after the other at each rate: only what the same machine did at the same time can be compared. */
export async function server({ seconds }) {
  const rows = [];
  for (const { kind, name, rates } of LOADS) {
    for (const rate of rates) {
      const results = [];
      for (const { start } of CONTENDERS) results.push(await offer(await start(), kind, rate, seconds));
      results.forEach((result, i) => {
        rows.push({ ...row(`${rate} ${name}/s, ${CONTENDERS[i].name}`, result), '× embedded': (result.cpu / results[0].cpu).toFixed(2) });
      });
    }
  }
  return rows;
}

async function offer(app, kind, rate, seconds) {
  try {
    // Until V8 has compiled what is hot.
    await measure(app, kind, WARM.rate, WARM.count);
    return await measure(app, kind, rate, rate * seconds);
  } finally {
    await app.stop();
  }
}

/** A server and an application on it, each in a process of its own; their CPU time together. */
export async function startOnServer(framework) {
  const port = await freePort();
  const server = start('server.js', String(port));
  const { adminPort } = await reply(server);
  const app = start('on_server.js', framework, String(adminPort));
  await reply(app);
  return {
    /** For a profiler. */
    pids: [server.pid, app.pid],
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
