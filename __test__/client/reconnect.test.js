'use strict';
// A client connects again, with a back-off, from the first failure on; what was under way fails with a code.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { BackOff } = require('../../lib/remote/back_off');
const { connected, told, drachtio } = require('../support/client');
const { FakeServer, request } = require('../support/fake_drachtio_server');

/** A port on which nobody listens. */
async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

test('delays grow by 1.7 from 150 ms on, up to a limit', () => {
  const delays = (options, count) => {
    const backOff = new BackOff(options);
    return Array.from({ length: count }, () => backOff.next());
  };
  assert.deepEqual(delays({}, 5), [
    { delay: 255, attempt: 2 },
    { delay: 433, attempt: 3 },
    { delay: 736, attempt: 4 },
    { delay: 1251, attempt: 5 },
    { delay: 2126, attempt: 6 },
  ]);
  assert.deepEqual(delays({ retryMaxDelay: 300 }, 3).map(({ delay }) => delay), [255, 300, 300]);
  assert.equal(delays({}, 30).at(-1).delay, 60_000);
  assert.deepEqual(delays({ maxAttempts: 3 }, 4).map((next) => next?.attempt), [2, 3, undefined, undefined]);
  assert.deepEqual(delays({ connectTimeout: 700 }, 3).map((next) => next?.delay), [255, 433, undefined]);
  const backOff = new BackOff({});
  backOff.next();
  backOff.reset();
  assert.deepEqual(backOff.next(), { delay: 255, attempt: 2 });
});

test('a server that is not there yet is tried again, and what was asked for goes out when it is', async (t) => {
  const port = await freePort();
  const app = drachtio();
  t.after(() => app.disconnect());
  app.invite(() => {});
  const events = [];
  app.on('error', (err) => events.push(['error', err.code]));
  app.on('close', () => events.push(['close']));
  app.on('reconnecting', (next) => events.push(['reconnecting', next]));
  app.connect({ host: '127.0.0.1', port, secret: 'cymru' });
  const sent = app.request('sip:a@b', { method: 'OPTIONS' });
  await told(app, 'reconnecting');
  assert.deepEqual(events, [['error', 'ECONNREFUSED'], ['reconnecting', { delay: 255, attempt: 2 }]]);
  const server = await FakeServer.start({ port });
  t.after(() => server.close());
  const peer = await server.peer();
  peer.accept(await peer.next('sip'), {}, request('OPTIONS'));
  assert.equal((await sent).method, 'OPTIONS');
});

test('a connection that is lost is told by reconnecting, close and connect, in this order', async (t) => {
  const { app, server, peer } = await connected(t);
  const events = [];
  for (const name of ['reconnecting', 'close', 'connect', 'error']) app.on(name, (...args) => events.push([name, ...args]));
  peer.socket.end();
  await Promise.all([server.peer(), told(app, 'connect')]);
  assert.deepEqual(events, [
    ['reconnecting', { delay: 255, attempt: 2 }],
    ['close'],
    ['connect', null, 'udp/127.0.0.1:5060,tcp/127.0.0.1:5060', 'v0.9.10', 'udp/10.0.0.5:5060'],
  ]);
});

test('after a connection that was there the delays begin anew', async (t) => {
  const { app, server, peer } = await connected(t);
  const nexts = [];
  app.on('reconnecting', (next) => nexts.push(next));
  for (let last = peer; nexts.length < 2; ) {
    const again = told(app, 'connect');
    last.socket.destroy();
    [last] = await Promise.all([server.peer(), again]);
  }
  assert.deepEqual(nexts, [{ delay: 255, attempt: 2 }, { delay: 255, attempt: 2 }]);
});

test('the callback of connect is called after every reconnect', async (t) => {
  const server = await FakeServer.start();
  t.after(() => server.close());
  const app = drachtio();
  t.after(() => app.disconnect());
  let calls = 0;
  await new Promise((resolve) => {
    app.connect({ host: '127.0.0.1', port: server.port, secret: 'cymru' }, () => {
      calls++;
      if (calls === 2) resolve();
      else server.peers[0].socket.destroy();
    });
  });
  assert.equal(calls, 2);
});

test('what was asked for and is not answered fails with a code, and nothing is awaited any more', async (t) => {
  const { app, peer } = await connected(t, (app) => app.options((req, res) => {
    res.send(200, (err) => app.emit('response-failed', err));
  }));
  await peer.next('route');
  const failed = told(app, 'response-failed');
  peer.deliver(request('OPTIONS'));
  const sent = app.request('sip:a@b', { method: 'MESSAGE' });
  await peer.next('sip');
  await peer.next('sip');
  peer.socket.destroy();
  await assert.rejects(sent, { code: 'DRT_ERR_CONNECTION_LOST' });
  assert.equal((await failed)[0].code, 'DRT_ERR_CONNECTION_LOST');
  assert.equal(app.idle, true);
});

test('requests that are under way are told that they are lost', async (t) => {
  const { app, peer } = await connected(t);
  const arrived = new Promise((resolve) => {
    app.invite((req, res) => resolve({ req, res }));
  });
  await peer.next('route');
  const sending = app.request('sip:a@b', { method: 'INVITE' });
  peer.accept(await peer.next('sip'), { txn: 'T1' }, request('INVITE'));
  const sent = await sending;
  assert.equal(app.idle, false);
  peer.deliver(request('INVITE', { callId: 'cid-2' }), { txn: 'T2' });
  const { req, res } = await arrived;
  const bothLost = Promise.all([once(sent, 'lost'), once(req, 'lost')]);
  peer.socket.destroy();
  for (const [err] of await bothLost) assert.equal(err.code, 'DRT_ERR_CONNECTION_LOST');
  assert.equal(app.idle, true);
  const err = await new Promise((resolve) => {
    res.send(200, resolve);
  });
  assert.equal(err.code, 'DRT_ERR_CONNECTION_LOST');
});

test('while there is no connection, what is asked for fails at once', async (t) => {
  const { app, peer } = await connected(t);
  peer.socket.destroy();
  await told(app, 'close');
  await assert.rejects(app.request('sip:a@b', { method: 'OPTIONS' }), { code: 'DRT_ERR_CONNECTION_LOST' });
});

test('after the last attempt the application is told, and may connect again', async (t) => {
  const port = await freePort();
  const app = drachtio();
  t.after(() => app.disconnect());
  const attempts = [];
  app.on('reconnecting', ({ attempt }) => attempts.push(attempt));
  const err = await new Promise((resolve) => {
    app.connect({ host: '127.0.0.1', port, secret: 'cymru', reconnect: { maxAttempts: 2 } }, resolve);
  });
  assert.equal(err.code, 'ECONNREFUSED');
  assert.deepEqual(attempts, [2]);
  assert.throws(() => app.request('sip:a@b', { method: 'OPTIONS' }), { code: 'DRT_ERR_NOT_CONNECTED' });
  const server = await FakeServer.start({ port });
  t.after(() => server.close());
  app.connect({ host: '127.0.0.1', port, secret: 'cymru' });
  await told(app, 'connect');
});

test('after the last attempt the error is thrown when nobody listens', async (t) => {
  const app = drachtio();
  t.after(() => app.disconnect());
  app.connect({ host: '127.0.0.1', port: await freePort(), secret: 'cymru', reconnect: { maxAttempts: 1 } });
  const [err] = await once(app, 'error');
  assert.equal(err.code, 'ECONNREFUSED');
});

test('who disconnects while it is reconnecting is disconnected', async () => {
  const app = drachtio();
  app.connect({ host: '127.0.0.1', port: await freePort(), secret: 'cymru' });
  await told(app, 'reconnecting');
  await app.disconnect();
  assert.throws(() => app.request('sip:a@b', { method: 'OPTIONS' }), { code: 'DRT_ERR_NOT_CONNECTED' });
});

test('disconnect writes what was asked for before, and can be called again', async (t) => {
  const { app, peer } = await connected(t);
  const closed = told(app, 'close');
  app.request('sip:a@b', { method: 'OPTIONS' }).catch(() => {});
  const ended = app.disconnect();
  assert.match((await peer.next('sip')).text, /^OPTIONS /);
  await Promise.all([ended, app.disconnect(), closed, peer.closed]);
  await app.disconnect();
});
