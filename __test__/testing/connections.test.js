'use strict';
// Peers over TCP, TLS and WebSockets, whose connections end.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { stage } = require('./stage');

async function statuses(req) {
  const heard = [];
  for await (const res of req.responses()) heard.push(res.status);
  return heard;
}

for (const transport of ['tcp', 'tls', 'ws', 'wss']) {
  test(`requests and responses both ways over ${transport}`, async (t) => {
    const { world, app } = await stage(t, (a) => a.options((req, res) => res.send(200, req.protocol)), { connect: { contact: `sip:192.0.2.1;transport=${transport}` } });
    const bob = world.peer(`sip:bob@192.0.2.9;transport=${transport}`);
    const request = bob.request('OPTIONS', 'sip:192.0.2.1');
    assert.match(request.get('via'), new RegExp(`^SIP/2\\.0/${transport.toUpperCase()} `));
    assert.equal((await bob.receives(200)).reason, transport);
    const req = await app.request({ uri: bob.uri, method: 'MESSAGE' });
    bob.answer(await bob.receives('MESSAGE'), 202);
    const heard = statuses(req);
    await world.advance(0);
    assert.deepEqual(await heard, [202]);
  });
}

test('nothing is lost over a connection, doubled or overtaken', async (t) => {
  const { world } = await stage(t, (a) => a.options((req, res) => res.send(200, req.get('call-id'))), { world: { loss: 1, duplication: 1, latency: 5, jitter: 500 } });
  const bob = world.peer('sip:bob@192.0.2.9;transport=tcp');
  const ids = Array.from({ length: 50 }, () => bob.request('OPTIONS', 'sip:192.0.2.1').get('call-id'));
  await world.advance('2s');
  assert.deepEqual(bob.heard.map(({ reason }) => reason), ids);
});

test('a peer that hangs up is told of, with what was on the connection', async (t) => {
  const closed = [];
  const { world, app } = await stage(t, (a) => a.register((req, res) => res.send(200)).on('connection:closed', (what) => closed.push(what)), {
    connect: { contact: 'sip:192.0.2.1;transport=ws' },
  });
  const browser = world.peer('sip:kim@192.0.2.9;transport=ws');
  browser.request('REGISTER', 'sip:192.0.2.1', { headers: { Contact: '<sip:kim@kim.invalid;transport=ws>;+sip.instance="<urn:uuid:1>";reg-id=1', Supported: 'path, outbound', Expires: 600 } });
  await browser.receives(200);
  assert.equal(app.client.census().connections, 1);
  assert.match(await app.metrics(), /^drachtio\w*connection\w*(\{.*\})? 1$/m);
  browser.hangUp();
  await world.advance('1s');
  assert.equal(closed.length, 1);
  assert.equal(closed[0].protocol, 'ws');
  assert.equal(app.client.census().connections, 0);
});

test('who has no such port refuses, who is not there is waited for', async (t) => {
  const { world, app } = await stage(t, undefined, { connect: { engine: { connections: { connectTimeout: 3_000 } } } });
  world.peer('sip:bob@192.0.2.9');
  assert.deepEqual(await statuses(await app.request({ uri: 'sip:bob@192.0.2.9;transport=tcp', method: 'OPTIONS' })), [503]);
  assert.equal(world.now, 0);
  const heard = statuses(await app.request({ uri: 'sip:bob@192.0.2.77;transport=tcp', method: 'OPTIONS' }));
  await world.advance(2_999);
  assert.equal(app.client.census().openTransactions, 1);
  await world.advance(1);
  assert.deepEqual(await heard, [503]);
});
