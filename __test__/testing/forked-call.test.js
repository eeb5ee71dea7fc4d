'use strict';
// A forked call through an application, whose callees take their time.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { seen, stage } = require('./stage');

const BOTH = ['sip:bob@192.0.2.9', 'sip:carol@192.0.2.10'];

async function call(t, options) {
  const { world, app } = await stage(t, (a) => a.invite((req) => req.proxy({ ...options, destination: BOTH })));
  const [alice, bob, carol] = ['alice@192.0.2.8', 'bob@192.0.2.9', 'carol@192.0.2.10'].map((name) => world.peer(`sip:${name}`));
  alice.request('INVITE', 'sip:office@192.0.2.1');
  return { world, app, alice, bob, carol };
}

test('who says nothing within the provisional timeout is not waited for', async (t) => {
  const { world, alice, bob, carol } = await call(t, { forking: 'serial', provisionalTimeout: '20s' });
  await bob.receives('INVITE');
  assert.equal(world.now, 0);
  const invite = await carol.receives('INVITE');
  assert.equal(world.now, 20_000);
  carol.answer(invite, 180);
  await world.advance('1m');
  carol.answer(invite, 200);
  const ok = await alice.receives(200);
  assert.deepEqual([ok.getParsedHeader('contact')[0].uri, world.now], ['sip:carol@192.0.2.10', 80_000]);
});

test('who rings longer than the final timeout is cancelled', async (t) => {
  const { world, alice, bob, carol } = await call(t, { forking: 'serial', finalTimeout: '25s' });
  const first = await bob.receives('INVITE');
  bob.answer(first, 180);
  await alice.receives(180);
  const cancel = await bob.receives('CANCEL');
  assert.equal(world.now, 25_000);
  bob.answer(cancel, 200);
  bob.answer(first, 487);
  await bob.receives('ACK');
  carol.answer(await carol.receives('INVITE'), 486);
  assert.equal((await alice.receives((message) => message.status >= 200)).status, 486);
  assert.equal(world.now, 25_000);
});

test('of two that ring at once the second to answer is hung up on in no time', async (t) => {
  const { world, app, alice, bob, carol } = await call(t, { forking: 'simultaneous' });
  const [one, other] = [await bob.receives('INVITE'), await carol.receives('INVITE')];
  bob.answer(one, 180);
  carol.answer(other, 180);
  await world.advance('3s');
  bob.answer(one, 200);
  carol.answer(await carol.receives('CANCEL'), 200);
  carol.answer(other, 487);
  assert.equal((await alice.receives(200)).getParsedHeader('contact')[0].uri, 'sip:bob@192.0.2.9');
  assert.equal(world.now, 3_000);
  await world.advance('10m');
  assert.equal(app.client.census().proxies, 0);
  assert.deepEqual(seen(world, (line) => line.includes('CANCEL') && line.includes('192.0.2.9')), []);
});
