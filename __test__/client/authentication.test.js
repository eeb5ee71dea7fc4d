'use strict';
// A client authenticates itself to a drachtio-server, and learns where the server is.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connected, drachtio } = require('../support/client');
const { FakeServer } = require('../support/fake_drachtio_server');

const HOSTPORT = 'udp/127.0.0.1:5060,tcp/127.0.0.1:5060';

async function start(t, options) {
  const server = await FakeServer.start(options);
  t.after(() => server.close());
  const app = drachtio();
  t.after(() => app.disconnect());
  return { server, app, where: { host: '127.0.0.1', port: server.port, secret: 'cymru' } };
}

test('the event and the callback tell where the server is and what it is', async (t) => {
  const { app, where } = await start(t);
  const told = [];
  app.on('connect', (...args) => told.push(args));
  const args = await new Promise((resolve) => {
    assert.equal(app.connect(where, (...given) => resolve(given)), app);
  });
  assert.deepEqual(args, [null, HOSTPORT, 'v0.9.10', 'udp/10.0.0.5:5060']);
  assert.deepEqual(told, [args]);
  assert.equal(app.get('hostport'), HOSTPORT);
});

test('the secret and the tags are the first that is said', async (t) => {
  for (const [options, line] of [
    [{}, 'authenticate|cymru|'],
    [{ tags: ['blue', 'green'] }, 'authenticate|cymru|blue,green'],
    [{ tags: 'blue' }, 'authenticate|cymru|blue'],
    [{ label: 'default' }, 'authenticate|cymru|default'],
    [{ tags: ['blue'], label: 'one' }, 'authenticate|cymru|blue,one'],
  ]) {
    const { peer } = await connected(t, undefined, { connect: options });
    assert.equal(peer.said[0].line, line);
    assert.match(peer.said[0].id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test('a wrong secret is a connect event with an error, and nothing is tried again', async (t) => {
  const { app, server, where } = await start(t);
  const told = new Promise((resolve) => {
    app.connect({ ...where, secret: 'wrong' }, resolve);
  });
  const [err] = await once(app, 'connect');
  assert.ok(err instanceof Error);
  assert.equal(err.message, 'failed to authenticate to server');
  assert.equal(err.code, 'DRT_ERR_AUTHENTICATION');
  assert.equal(await told, err);
  assert.equal(server.peers.length, 1);
  assert.throws(() => app.request('sip:a@b', { method: 'OPTIONS' }), { code: 'DRT_ERR_NOT_CONNECTED' });
  // Another secret may be tried.
  app.connect(where);
  assert.deepEqual((await once(app, 'connect')).slice(0, 2), [null, HOSTPORT]);
});

test('a wrong secret that nobody listens for is an error', async (t) => {
  const { app, where } = await start(t);
  app.connect({ ...where, secret: 'wrong' });
  const [err] = await once(app, 'error');
  assert.equal(err.code, 'DRT_ERR_AUTHENTICATION');
});

test('what is asked before the server knows the application waits for that', async (t) => {
  const { app, server, where } = await start(t, { automatic: false });
  app.connect(where);
  const sent = app.request('sip:a@b', { method: 'OPTIONS' });
  const peer = await server.peer();
  const hello = await peer.next();
  assert.equal(hello.type, 'authenticate');
  assert.equal(app.idle, false);
  peer.authenticate(hello);
  const options = await peer.next();
  assert.equal(options.type, 'sip');
  peer.accept(options);
  assert.equal((await sent).stackTxnId, 'txn-1');
});

test('another client has other message ids', async (t) => {
  const ids = new Set();
  for (let i = 0; i < 3; i++) {
    const { peer } = await connected(t, (app) => app.invite(() => {}));
    await peer.next('route');
    for (const { id } of peer.said) ids.add(id);
  }
  assert.equal(ids.size, 6);
});
