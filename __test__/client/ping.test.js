'use strict';
// A link that is dead without being closed is found by pings.

const test = require('node:test');
const assert = require('node:assert/strict');
const { setImmediate: nextTurn } = require('node:timers/promises');
const { connected, told, drachtio } = require('../support/client');
const { request } = require('../support/fake_drachtio_server');

/** Lets what is on its way between two sockets of this process arrive. */
async function settle() {
  for (let i = 0; i < 20; i++) await nextTurn();
}

test('pings are sent in their interval, and a server that answers stays', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { app, peer } = await connected(t, undefined, { connect: { enablePing: true, pingInterval: 5000 } });
  let isClosed = false;
  app.on('close', () => {
    isClosed = true;
  });
  for (let i = 0; i < 3; i++) {
    t.mock.timers.tick(5000);
    assert.equal((await peer.next('ping')).line, 'ping');
    await settle();
  }
  assert.equal(isClosed, false);
  t.mock.timers.tick(4999);
  await settle();
  assert.equal(peer.said.filter(({ type }) => type === 'ping').length, 3);
});

test('a server that does not answer within the interval is connected to again', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { app, server, peer } = await connected(t, undefined, { connect: { enablePing: true } });
  const failed = told(app, 'error');
  peer.socket.pause();
  t.mock.timers.tick(15_000);
  await settle();
  t.mock.timers.tick(15_000);
  const [err] = await failed;
  assert.equal(err.code, 'DRT_ERR_LINK_DEAD');
  await Promise.all([server.peer(), told(app, 'connect')]);
});

test('whatever a server says shows that it is there', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { app, peer } = await connected(t, undefined, { connect: { enablePing: true } });
  const answered = new Promise((resolve) => {
    app.options((req, res) => resolve(res));
  });
  t.mock.timers.tick(15_000);
  await peer.next('ping');
  peer.deliver(request('OPTIONS'));
  await answered;
  t.mock.timers.tick(15_000);
  await peer.next('ping');
});

test('servers before 0.8.2 are not pinged, and nobody is unless that is asked for', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  for (const [version, enablePing, pings] of [
    ['v0.8.1', true, 0],
    [undefined, true, 0],
    ['v0.8.2', true, 1],
    ['v0.10.0', true, 1],
    ['9c2dd4c', true, 1],
    ['v0.9.10', false, 0],
  ]) {
    const { app, peer } = await connected(t, undefined, { server: { version, localHostports: undefined }, connect: { enablePing } });
    t.mock.timers.tick(15_000);
    app.request('sip:a@b', { method: 'OPTIONS' }).catch(() => {});
    await peer.next('sip');
    assert.equal(peer.said.filter(({ type }) => type === 'ping').length, pings, `${version} ${enablePing}`);
  }
});

test('an interval out of bounds is refused', () => {
  for (const pingInterval of [4999, 300_001, 5000.5, '6000']) {
    assert.throws(() => drachtio().connect({ port: 9022, secret: 'x', enablePing: true, pingInterval }), {
      code: 'DRT_ERR_INVALID_OPTION',
      message: /'pingInterval'/,
    });
  }
});
