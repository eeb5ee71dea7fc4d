// The two processes of a measurement: the application, and the load generator.

import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../scripts/tools.mjs';

const require = createRequire(import.meta.url);
const { freePort } = require('../__test__/sipp/app.js');

/**
 * Starts `bench/apps/app.js`.
 *
 * @param {'answer' | 'proxy'} kind what it does with an INVITE
 */
export async function startApp(kind) {
  const port = await freePort();
  const script = join(root, 'bench', 'apps', 'app.js');
  const child = fork(script, [kind, String(port)], { execArgv: ['--expose-gc'] });
  await reply(child);
  return {
    /** For a profiler, such as `perf record -p`. */
    pid: child.pid,
    target: `127.0.0.1:${port}`,
    /** The CPU time that it has taken, of all its threads, in µs. */
    async cpu() {
      child.send('cpu');
      const { user, system } = await reply(child);
      return user + system;
    },
    /** Its memory after a garbage collection: what is resident outside the JavaScript heap, and what is used in it. */
    async memory() {
      child.send('memory');
      const { rss, heapTotal, heapUsed } = await reply(child);
      return { native: rss - heapTotal, heap: heapUsed };
    },
    async stop() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

async function reply(child) {
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the application ended with ${code}`);
  });
  const [message] = await Promise.race([once(child, 'message'), failed]);
  return message;
}

/**
 * Starts the load generator.
 *
 * @param {'options' | 'call' | 'proxied'} kind
 * @param {{ target: string, rate: number, count: number, hold?: boolean }} options
 */
export function startLoad(kind, { target, rate, count, hold }) {
  const args = [kind, '--target', target, '--rate', String(rate), '--count', String(count), ...(hold ? ['--hold'] : [])];
  const child = spawn(join(root, 'target', 'bench', 'release', 'loadgen'), args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`loadgen ${args.join(' ')} ended without a word`);
    return JSON.parse(value);
  };
  return {
    /** Resolves when every call is up; for a load with `hold`. */
    held: next,
    /** Lets the held calls go. */
    release: () => child.stdin.end('\n'),
    /** Resolves to what came of it all. */
    finished: next,
  };
}

/** Offers a load to an application and adds the CPU time that it took there, in µs per request or call. */
export async function measure(app, kind, rate, count) {
  const before = await app.cpu();
  const result = await startLoad(kind, { target: app.target, rate, count }).finished();
  const after = await app.cpu();
  return { ...result, rate, cpu: (after - before) / count };
}
