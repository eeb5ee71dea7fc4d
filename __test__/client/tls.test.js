'use strict';
// Links to drachtio-servers over TLS, made by either side; they stay TLS when they are made again.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const tls = require('node:tls');
const { connected, listening, told, drachtio } = require('../support/client');
const { FakeServer, request } = require('../support/fake_drachtio_server');
const { selfSigned } = require('../tls/pki');

const files = selfSigned('localhost');
const ca = readFileSync(files.cert);
const certificate = { cert: ca, key: readFileSync(files.key) };
const trust = { ca, servername: 'localhost' };

test('a server is reached over TLS, and again over TLS', async (t) => {
  const { app, server, peer } = await connected(t, (app) => app.options((req, res) => res.send(200)), {
    server: { tls: certificate },
    connect: { tls: trust },
  });
  await peer.next('route');
  peer.deliver(request('OPTIONS', { body: 'ä'.repeat(50_000) }));
  await peer.next('sip');
  peer.socket.destroy();
  const [second] = await Promise.all([server.peer(), told(app, 'connect')]);
  assert.ok(second.socket instanceof tls.TLSSocket);
  await second.next('route');
  second.deliver(request('OPTIONS'));
  await second.next('sip');
});

test('a server whose certificate is not trusted is not told the secret', async (t) => {
  const server = await FakeServer.start({ tls: certificate });
  t.after(() => server.close());
  const app = drachtio();
  t.after(() => app.disconnect());
  app.connect({ host: 'localhost', port: server.port, secret: 'cymru', tls: true, reconnect: { maxAttempts: 1 } });
  const [err] = await once(app, 'error');
  assert.match(err.code, /SELF_SIGNED|UNABLE_TO/);
  assert.ok(server.peers.every(({ said }) => said.length === 0));
});

test('a certificate that can not be read is an error', async (t) => {
  const app = drachtio();
  t.after(() => app.disconnect());
  app.connect({ host: 'localhost', port: 1, secret: 'cymru', tls: { cert: 'nonsense', key: 'nonsense' } });
  const [err] = await once(app, 'error');
  assert.match(err.message, /PEM|no start line/i);
});

test('servers connect over TLS', async (t) => {
  const { dial } = await listening(t, (app) => app.options((req, res) => res.send(200)), { tls: certificate });
  const peer = await dial({ tls: trust });
  await peer.next('authenticate');
  peer.deliver(request('OPTIONS'));
  assert.match((await peer.next('sip')).text, /^SIP\/2\.0 200 OK/);
});
