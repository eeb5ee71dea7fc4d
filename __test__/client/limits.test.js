'use strict';
// What a link to a server may wait for, and hold.

const test = require('node:test');
const assert = require('node:assert/strict');
const { setImmediate: nextTurn } = require('node:timers/promises');
const { connected, listening, told, drachtio } = require('../support/client');
const { FakeServer } = require('../support/fake_drachtio_server');

const TIME = { timeout: 60_000 };

/** Ready within so many milliseconds. */
const READY = 10_000;

test('a server that does not answer within 10 s is given up, and tried again', TIME, async (t) => {
  const server = await FakeServer.start({ automatic: false });
  t.after(() => server.close());
  const app = drachtio();
  t.after(() => app.disconnect());
  t.mock.timers.enable({ apis: ['setTimeout'] });
  app.connect({ host: '127.0.0.1', port: server.port, secret: 'cymru' });
  const sent = app.request('sip:a@b', { method: 'OPTIONS' });
  const peer = await server.peer();
  await peer.next('authenticate');
  let why;
  app.once('error', (err) => (why = err));
  const again = told(app, 'reconnecting');
  t.mock.timers.tick(READY - 1);
  await nextTurn();
  assert.equal(why, undefined);
  t.mock.timers.tick(1);
  assert.deepEqual(await again, [{ delay: 255, attempt: 2 }]);
  assert.equal(why.code, 'DRT_ERR_LINK_TIMEOUT');
  // What was asked for before waits for the next connection.
  t.mock.timers.tick(255);
  const next = await server.peer();
  next.authenticate(await next.next('authenticate'));
  next.accept(await next.next('sip'));
  assert.equal((await sent).stackTxnId, 'txn-1');
});

test('nobody is listened to at a port whose host does not even connect', TIME, async (t) => {
  const app = drachtio();
  t.after(() => app.disconnect());
  t.mock.timers.enable({ apis: ['setTimeout'] });
  // RFC 5737: there is nobody.
  app.connect({ host: '192.0.2.1', port: 9022, secret: 'cymru', reconnect: { maxAttempts: 1 } });
  const failed = told(app, 'error');
  t.mock.timers.tick(READY);
  const [{ code }] = await failed;
  assert.ok(['DRT_ERR_LINK_TIMEOUT', 'ENETUNREACH', 'EHOSTUNREACH'].includes(code), code);
});

test('a server that has connected and says nothing within 10 s is left', TIME, async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { app, dial } = await listening(t);
  const failed = told(app, 'error');
  const peer = await dial({ automatic: false });
  await peer.next('authenticate');
  t.mock.timers.tick(READY);
  const [err] = await failed;
  assert.equal(err.code, 'DRT_ERR_LINK_TIMEOUT');
  await peer.closed;
});

test('a server that takes nothing is given up when 64 MiB wait for it', TIME, async (t) => {
  const { app, server, peer } = await connected(t);
  const [failed, again] = [told(app, 'error'), told(app, 'connect')];
  let isOver = false;
  failed.then(() => (isOver = true));
  peer.socket.pause();
  const body = 'x'.repeat(60_000);
  const outcomes = [];
  let bytes = 0;
  while (!isOver) {
    for (let i = 0; i < 100; i += 1) {
      outcomes.push(app.request('sip:a@b', { method: 'MESSAGE', body }).then(() => 'sent', ({ code }) => code));
      bytes += body.length;
    }
    await nextTurn();
    // What the system holds for the two sockets is less than that.
    assert.ok(bytes < 128 * 1024 * 1024);
  }
  const [err] = await failed;
  assert.equal(err.code, 'DRT_ERR_LINK_STALLED');
  assert.ok(bytes > 64 * 1024 * 1024);
  assert.deepEqual([...new Set(await Promise.all(outcomes))], ['DRT_ERR_CONNECTION_LOST']);
  await Promise.all([server.peer(), again]);
});
