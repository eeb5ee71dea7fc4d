'use strict';
// NAPTR and SRV records that lead to TLS (RFC 3263 §4.1), and the name that a server must prove (RFC 5922 §7).

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { after } = require('node:test');
const tls = require('node:tls');
const drachtio = require('../..');
const { startNameServer } = require('./dns_server');
const { tlsTest } = require('../tls/pki');
const { freePort } = require('./app');

const open = [];
after(async () => {
  for (const stop of open.reverse()) await stop();
});

/** A certificate that is signed by itself, for these names. */
function certificate(...names) {
  const folder = mkdtempSync(path.join(tmpdir(), 'dns-tls-'));
  const file = (name) => path.join(folder, name);
  const subject = `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`;
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file('key.pem')];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', file('cert.pem'), '-days', '2', '-subj', '/CN=test', '-addext', subject], { stdio: 'ignore' });
  const read = (name) => readFileSync(file(name), 'latin1');
  const pair = { cert: read('cert.pem'), key: read('key.pem') };
  rmSync(folder, { recursive: true });
  return pair;
}

/** A server that answers OPTIONS over TLS, with this certificate. */
async function startServer(pair) {
  const heard = [];
  const sockets = new Set();
  const server = tls.createServer(pair, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      heard.push(text);
      const lines = text.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq):/i.test(line));
      socket.write(['SIP/2.0 200 OK', ...lines, 'Content-Length: 0', '', ''].join('\r\n'));
    });
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { port: server.address().port, heard };
}

async function startAgent(nameServer, ca) {
  const app = drachtio();
  const [port, tlsPort] = [await freePort(), await freePort()];
  app.connect({
    contact: [`sip:127.0.0.1:${port};transport=udp,tcp`, `sip:127.0.0.1:${tlsPort};transport=tls`],
    engine: { timers: { t1: 50 }, dns: { servers: [nameServer.address] }, tls: { certificates: [certificate('us.example.net')], ca } },
  });
  const [err] = await once(app, 'connect');
  if (err) throw err;
  open.push(() => app.disconnect());
  return app;
}

async function options(app, uri) {
  const req = await app.request({ uri, method: 'OPTIONS' });
  const [res] = await once(req, 'response');
  return { status: res.status, warning: res.get('Warning') };
}

/** Two servers of example.com, both by TLS, and a third way by UDP where nobody is. */
const zone = (first, second, nowhere) => [
  ['example.com', 'NAPTR', 10, 50, 's', 'SIPS+D2T', '', '_sips._tcp.example.com'],
  ['example.com', 'NAPTR', 20, 50, 's', 'SIP+D2U', '', '_sip._udp.example.com'],
  ['_sips._tcp.example.com', 'SRV', 10, 0, first, 'one.example.net'],
  ['_sips._tcp.example.com', 'SRV', 20, 0, second, 'two.example.net'],
  ['_sip._udp.example.com', 'SRV', 10, 0, nowhere, 'one.example.net'],
  ['one.example.net', 'A', '127.0.0.1'],
  ['two.example.net', 'A', '127.0.0.1'],
];

async function nameServer(...ports) {
  const server = await startNameServer(zone(...ports));
  open.push(server.stop);
  return server;
}

tlsTest('NAPTR to TLS: the server proves the name of the domain, not that of the host', async () => {
  const pair = certificate('example.com');
  const server = await startServer(pair);
  const app = await startAgent(await nameServer(server.port, await freePort(), await freePort()), [pair.cert]);
  for (const uri of ['sip:bob@example.com', 'sips:bob@example.com']) {
    assert.equal((await options(app, uri)).status, 200);
    assert.match(server.heard.at(-1), new RegExp(`^OPTIONS ${uri} SIP/2\\.0\r\nVia: SIP/2\\.0/TLS `));
  }
});

tlsTest('a TLS server that is not there: the next one takes the request', async (t) => {
  const pair = certificate('example.com');
  const server = await startServer(pair);
  const app = await startAgent(await nameServer(await freePort(), server.port, await freePort()), [pair.cert]);
  assert.equal((await options(app, 'sips:bob@example.com')).status, 200);
  t.diagnostic(`time lost to a TLS server that is not there: ${app.client.counters().timeLost} ms`);
});

tlsTest('a server with the certificate of another domain is left for the next one', async (t) => {
  const [wrong, right] = [certificate('one.example.net'), certificate('example.com')];
  const [impostor, server] = [await startServer(wrong), await startServer(right)];
  const app = await startAgent(await nameServer(impostor.port, server.port, await freePort()), [wrong.cert, right.cert]);
  assert.equal((await options(app, 'sips:bob@example.com')).status, 200);
  assert.deepEqual(impostor.heard, []);
  t.diagnostic(`time lost to a server with a wrong certificate: ${app.client.counters().timeLost} ms`);
});

tlsTest('if no server proves to be of the domain, a sips: request is not sent at all', async () => {
  const wrong = certificate('one.example.net', 'two.example.net');
  const [one, two] = [await startServer(wrong), await startServer(wrong)];
  const app = await startAgent(await nameServer(one.port, two.port, await freePort()), [wrong.cert]);
  const { status, warning } = await options(app, 'sips:bob@example.com');
  assert.equal(status, 503);
  assert.match(warning, /the certificate is for another name/);
  assert.deepEqual([one.heard, two.heard], [[], []]);
});
