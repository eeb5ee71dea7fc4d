// What an idle TLS connection costs: the growth of the application's process outside the JavaScript heap, after one request
// on each connection. The clients are in this process.

import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { root } from '../scripts/tools.mjs';

const { freePort } = createRequire(import.meta.url)('../__test__/sipp/app.js');

/** Connections before the first measurement, so that what is needed once is not counted. */
const WARM_UP = 100;
const COUNT = 2_000;

/** The bytes that each connection costs. */
export async function idleTls() {
  const folder = mkdtempSync(join(tmpdir(), 'drachtio-bench-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, ...name], { stdio: 'pipe' });
  const port = await freePort();
  const app = fork(join(root, 'bench', 'apps', 'idle_tls.js'), [port, cert, key], { execArgv: ['--expose-gc'] });
  const sockets = [];
  try {
    await once(app, 'message');
    const open = async () => {
      const socket = tls.connect({ host: '127.0.0.1', port, ca: readFileSync(cert), servername: 'localhost' });
      sockets.push(socket);
      await once(socket, 'secureConnect');
      socket.write(options(sockets.length));
      await once(socket, 'data');
    };
    const memory = async () => {
      app.send('memory');
      return (await once(app, 'message'))[0];
    };
    while (sockets.length < WARM_UP) await open();
    const before = await memory();
    while (sockets.length < WARM_UP + COUNT) await open();
    const after = await memory();
    const count = after.connections - before.connections;
    return [{ each: 'idle TLS connection', count, 'native bytes': Math.round((after.native - before.native) / count) }];
  } finally {
    app.kill('SIGKILL');
    for (const socket of sockets) socket.destroy();
    rmSync(folder, { recursive: true });
  }
}

function options(n) {
  const via = `Via: SIP/2.0/TLS client.invalid;branch=z9hG4bK${n}`;
  const ends = 'From: <sip:me@client.invalid>;tag=me\r\nTo: <sip:app@localhost>';
  return `OPTIONS sip:app@localhost SIP/2.0\r\n${via}\r\n${ends}\r\nCall-ID: ${n}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`;
}
