// The two processes of a measurement: the application, and the load generator.

import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../scripts/tools.mjs';

const require = createRequire(import.meta.url);
const { freePort } = require('../__test__/sipp/free_port.js');
const { certificate } = require('../__test__/interop/certificate.js');

/**
 * Starts `bench/apps/app.js`.
 *
 * @param {'answer' | 'proxy'} kind what it does with an INVITE
 * @param {'udp' | 'tcp' | 'tls' | 'ws' | 'wss'} [transport]
 */
export async function startApp(kind, transport = 'udp') {
  const files = transport === 'tls' || transport === 'wss' ? writeCertificate() : undefined;
  const port = await freePort();
  const script = join(root, 'bench', 'apps', 'app.js');
  const child = fork(script, [kind, transport, String(port), ...(files ? [files.cert, files.key] : [])], { execArgv: ['--expose-gc'] });
  await reply(child);
  return {
    /** For a profiler, such as `perf record -p`. */
    pid: child.pid,
    port,
    target: `127.0.0.1:${port}`,
    transport,
    /** The file of its certificate, of an application on TLS. */
    cert: files?.cert,
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
    /** How many connections it has. */
    connections() {
      child.send('connections');
      return reply(child);
    },
    async stop() {
      if (files) rmSync(files.folder, { recursive: true });
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

function writeCertificate() {
  const folder = mkdtempSync(join(tmpdir(), 'drachtio-bench-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const pem = certificate();
  writeFileSync(cert, pem.cert);
  writeFileSync(key, pem.key, { mode: 0o600 });
  return { folder, cert, key };
}

export async function reply(child) {
  const waiting = new AbortController();
  const { signal } = waiting;
  const failed = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`the application ended with ${code}`);
  });
  failed.catch(() => {});
  try {
    const [message] = await Promise.race([once(child, 'message', { signal }), failed]);
    return message;
  } finally {
    // A child that is asked often must not collect listeners.
    waiting.abort();
  }
}

/**
 * Starts the load generator.
 *
 * @param {'options' | 'call' | 'proxied'} kind
 * @param {{ target: string, transport?: string, cert?: string }} app what `startApp` resolves to, or the like
 * @param {{ rate: number, count: number, hold?: boolean }} options
 */
export function startLoad(kind, { target, transport = 'udp', cert }, { rate, count, hold }) {
  const args = [kind, '--target', target, '--transport', transport, '--rate', String(rate), '--count', String(count)];
  if (cert) args.push('--ca', cert);
  if (hold) args.push('--hold');
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
  const result = await startLoad(kind, app, { rate, count }).finished();
  const after = await app.cpu();
  return { ...result, rate, cpu: (after - before) / count };
}
