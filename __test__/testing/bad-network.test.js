'use strict';
// A network that loses, delays and doubles datagrams.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const drachtio = require('../..');
const { stage } = require('./stage');

const answering = (app) => app.options((req, res) => res.send(200));

test('a call is made although every second datagram is lost', async (t) => {
  for (let seed = 0; seed < 5; seed++) {
    const { world, app } = await stage(t, (a) => a.invite((req, res) => res.send(200)).bye((req, res) => res.send(200)), { world: { loss: 0.5, latency: 10, seed } });
    const caller = drachtio();
    await world.connect(caller, { contact: 'sip:192.0.2.2' });
    const req = await caller.request({ uri: 'sip:app@192.0.2.1', method: 'INVITE' });
    const statuses = [];
    const over = (async () => {
      for await (const res of req.responses()) {
        statuses.push(res.status);
        if (res.status === 200) await res.ack();
      }
    })();
    await world.advance('40s');
    await over;
    assert.equal(statuses.at(-1), 200, `seed ${seed}`);
    assert.deepEqual([app.client.census().dialogs, caller.client.census().dialogs], [1, 1], `seed ${seed}`);
    assert.ok(world.sent.some(({ arrivals }) => arrivals.length === 0));
  }
});

test('a function says which message is lost', async (t) => {
  const lost = [];
  const { world } = await stage(t, answering, {
    world: {
      loss: (message, { from, to }) => {
        if (message.status !== 200 || lost.length === 2) return false;
        lost.push([from, to]);
        return true;
      },
    },
  });
  const alice = world.peer('sip:alice@192.0.2.8');
  const request = alice.request('OPTIONS', 'sip:192.0.2.1');
  await assert.rejects(alice.receives(200, { patience: 0 }), { code: 'DRT_ERR_NOT_RECEIVED' });
  alice.send(request, 'sip:192.0.2.1');
  alice.send(request, 'sip:192.0.2.1');
  await alice.receives(200);
  assert.deepEqual(lost, Array(2).fill(['udp/192.0.2.1:5060', 'udp/192.0.2.8:5060']));
});

test('what that function throws is an uncaught exception, and the message arrives', async (t) => {
  const failed = new Error('of the test');
  const uncaught = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
  t.after(() => process.setUncaughtExceptionCaptureCallback(null));
  const loss = (message) => {
    if (message.method === 'OPTIONS') throw failed;
    return false;
  };
  const { world } = await stage(t, answering, { world: { loss } });
  const alice = world.peer('sip:alice@192.0.2.8');
  alice.request('OPTIONS', 'sip:192.0.2.1');
  await alice.receives(200);
  assert.equal(await uncaught, failed);
});

test('what is no message is not shown to it', async (t) => {
  const { world, app } = await stage(t, answering, { world: { loss: () => assert.fail('shown') } });
  const alice = world.peer('sip:alice@192.0.2.8');
  for (const junk of ['\r\n\r\n', 'hello', '\0'.repeat(2_000)]) alice.send(junk, 'sip:192.0.2.1');
  await world.advance(0);
  assert.equal(app.client.census().serverTransactions, 0);
});

test('a message takes the latency, and up to the jitter more', async (t) => {
  const { world } = await stage(t, answering, { world: { latency: '50ms', jitter: 20 } });
  const alice = world.peer('sip:alice@192.0.2.8');
  for (let count = 0; count < 100; count++) alice.request('OPTIONS', 'sip:192.0.2.1');
  await world.advance('1s');
  const took = world.sent.map(({ time, arrivals }) => arrivals[0] - time);
  assert.deepEqual([took.length, Math.min(...took), Math.max(...took)], [200, 50, 70]);
});

test('a request that arrives twice is answered once by the application', async (t) => {
  let asked = 0;
  const { world, app } = await stage(t, (a) => a.options((req, res) => res.send(200, `${++asked}`)), { world: { duplication: 1 } });
  const alice = world.peer('sip:alice@192.0.2.8');
  alice.request('OPTIONS', 'sip:192.0.2.1');
  await world.advance('1s');
  assert.equal(asked, 1);
  assert.equal(app.client.counters().repeatedRequests, 1);
  // Both answers to it arrive twice as well.
  assert.equal(alice.heard.length, 4);
});

test('the network changes while the test goes on', async (t) => {
  const { world } = await stage(t, answering, { world: { latency: 10 } });
  const alice = world.peer('sip:alice@192.0.2.8');
  world.setLink({ loss: 1 });
  alice.request('OPTIONS', 'sip:192.0.2.1');
  await assert.rejects(alice.receives(200), { message: '200 has not been received within 32000 ms, but nothing' });
  assert.equal(world.now, 32_000);
  world.setLink({ loss: 0 });
  alice.request('OPTIONS', 'sip:192.0.2.1');
  await alice.receives(200);
  assert.equal(world.now, 32_020);
});
