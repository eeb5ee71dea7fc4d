'use strict';
// Who lives in a world: applications, peers, and what they may be.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const drachtio = require('../..');
const { World, openWorld } = require('../../testing');
const { stage } = require('./stage');

test('an application without a contact has the usual addresses, and the next one others', async (t) => {
  const world = openWorld();
  t.after(() => world.close());
  const [one, other] = [drachtio(), drachtio()];
  const hosts = ['192.0.2.1:5060', '192.0.2.2:5060', '[2001:db8::1]:5060', '[2001:db8::2]:5060'];
  const hostports = (v4, v6) => [v4, v6].flatMap((host) => [`udp/${host}`, `tcp/${host}`]).join();
  assert.equal(await world.connect(one), hostports(hosts[0], hosts[2]));
  assert.equal(await world.connect(other), hostports(hosts[1], hosts[3]));
  other.message((req, res) => res.send(202));
  const req = await one.request({ uri: 'sip:other@192.0.2.2', method: 'MESSAGE' });
  for await (const res of req.responses()) assert.equal(res.status, 202);
  assert.ok(world instanceof World);
});

test('the usual addresses are those that nobody has', async (t) => {
  const world = openWorld();
  t.after(() => world.close());
  const app = drachtio();
  world.peer('sip:alice@192.0.2.1');
  const { port } = world.peer('sip:bob@[2001:db8::2]');
  assert.equal(port, 5060);
  const contact = 'sip:*;transport=udp';
  assert.equal(await world.connect(app, { contact }), 'udp/192.0.2.3:5060,udp/[2001:db8::3]:5060');
  await app.disconnect();
  assert.equal(await world.connect(app, { contact }), 'udp/192.0.2.3:5060,udp/[2001:db8::3]:5060');
});

test('an address is had once', async (t) => {
  const { world } = await stage(t);
  assert.throws(() => world.peer('sip:eve@192.0.2.1'), { code: 'EADDRINUSE', message: /udp\/192\.0\.2\.1:5060/ });
  await assert.rejects(world.connect(drachtio(), { contact: 'sip:192.0.2.1' }), { code: 'EADDRINUSE' });
  const bob = world.peer('sip:bob@192.0.2.9');
  assert.throws(() => world.peer('sip:robert@192.0.2.9'), { code: 'EADDRINUSE' });
  await bob.close();
  assert.equal(world.peer('sip:robert@192.0.2.9').port, 5060);
});

test('an application that has disconnected is there no longer, and may come back', async (t) => {
  const { world, app } = await stage(t, (a) => a.options((req, res) => res.send(200)));
  const alice = world.peer('sip:alice@192.0.2.8');
  await app.disconnect();
  alice.request('OPTIONS', 'sip:192.0.2.1');
  await assert.rejects(alice.receives(200), { code: 'DRT_ERR_NOT_RECEIVED' });
  await world.connect(app, { contact: 'sip:192.0.2.1' });
  alice.request('OPTIONS', 'sip:192.0.2.1');
  await alice.receives(200);
});

test('the end of a world ends the calls in it', async () => {
  const world = openWorld();
  const app = drachtio();
  app.invite((req, res) => res.send(200));
  await world.connect(app, { contact: 'sip:192.0.2.1' });
  const alice = world.peer('sip:alice@192.0.2.8');
  const invite = alice.request('INVITE', 'sip:app@192.0.2.1');
  const answer = await alice.receives(200);
  alice.request('ACK', 'sip:app@192.0.2.1', { headers: { 'Call-ID': invite.get('call-id'), From: invite.get('from'), To: answer.get('to') } });
  await world.advance(0);
  await world[Symbol.asyncDispose]();
  await alice.receives('BYE');
});

test('peers send each other anything', async (t) => {
  const { world } = await stage(t);
  const [a, b] = [world.peer('sip:a@192.0.2.8'), world.peer('sip:b@[2001:db8::9]:5070')];
  b.send('FOO sip:x SIP/2.0\r\nX-A: é\r\n\r\n', 'sip:192.0.2.8');
  assert.equal((await a.receives('foo')).get('x-a'), 'é');
  const request = a.request('OPTIONS', b.uri);
  b.answer(await b.receives('OPTIONS'), 404);
  assert.equal((await a.receives(404)).get('call-id'), request.get('call-id'));
  assert.equal(b.port, 5070);
});

test('what cannot be meant is an error', async (t) => {
  for (const options of [{ seed: -1 }, { seed: 1.5 }, { seed: '1' }, { loss: 2 }, { loss: '5%' }, { duplication: -1 }, { names: 'x' }, { timers: 1 }, { lost: 1 }, null, 7]) {
    assert.throws(() => openWorld(options), { code: 'DRT_ERR_INVALID_OPTION', message: /^openWorld: / }, JSON.stringify(options));
  }
  for (const options of [{ latency: -1 }, { jitter: '1 s' }]) {
    assert.throws(() => openWorld(options), { code: 'DRT_ERR_INVALID_ARGUMENT' }, JSON.stringify(options));
  }
  const { world } = await stage(t);
  assert.throws(() => world.setLink({ seed: 1 }), { code: 'DRT_ERR_INVALID_OPTION', message: /^World#setLink: / });
  for (const uri of ['bob', 'tel:1', 'sip:bob@192.0.2.9;transport=sctp']) assert.throws(() => world.peer(uri), { code: 'DRT_ERR_INVALID_ARGUMENT' }, uri);
  for (const options of [{ host: '127.0.0.1' }, { port: 9022 }, { observe: {} }, { contact: 'sip:*', nonsense: 1 }, { engine: { timers: { t1: -1 } } }]) {
    await assert.rejects(world.connect(drachtio(), options), { code: 'DRT_ERR_INVALID_OPTION' }, JSON.stringify(options));
  }
  await assert.rejects(world.connect(drachtio(), { contact: 'sip:localhost' }), { code: 'DRT_ERR_INVALID_CONTACT' });
});

test('the engine of production is where it was', async (t) => {
  await stage(t);
  const app = drachtio();
  t.after(() => app.disconnect());
  const hostport = await new Promise((resolve, reject) => app.connect({ contact: 'sip:127.0.0.1:0;transport=udp' }, (err, where) => (err ? reject(err) : resolve(where))));
  assert.match(hostport, /^udp\/127\.0\.0\.1:\d+$/);
});
