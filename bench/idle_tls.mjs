// What an idle TLS connection costs: the growth of the application's process outside the JavaScript heap, after one request
// on each connection. The clients are in this process.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { startApp } from './processes.mjs';

/** Connections before the first measurement, so that what is needed once is not counted. */
const WARM_UP = 100;
const COUNT = 2_000;

/** The bytes that each connection costs. */
export async function idleTls() {
  const app = await startApp('answer', 'tls');
  const ca = readFileSync(app.cert);
  const sockets = [];
  try {
    const open = async () => {
      const socket = tls.connect({ host: '127.0.0.1', port: app.port, ca });
      sockets.push(socket);
      await once(socket, 'secureConnect');
      socket.write(options(sockets.length));
      await once(socket, 'data');
    };
    const size = async () => ({ ...(await app.memory()), connections: await app.connections() });
    while (sockets.length < WARM_UP) await open();
    const before = await size();
    while (sockets.length < WARM_UP + COUNT) await open();
    const after = await size();
    const count = after.connections - before.connections;
    return [{ each: 'idle TLS connection', count, 'native bytes': Math.round((after.native - before.native) / count) }];
  } finally {
    for (const socket of sockets) socket.destroy();
    await app.stop();
  }
}

function options(n) {
  const via = `Via: SIP/2.0/TLS client.invalid;branch=z9hG4bK${n}`;
  const ends = 'From: <sip:me@client.invalid>;tag=me\r\nTo: <sip:app@localhost>';
  return `OPTIONS sip:app@localhost SIP/2.0\r\n${via}\r\n${ends}\r\nCall-ID: ${n}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`;
}
