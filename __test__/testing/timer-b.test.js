'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { seen, stage } = require('./stage');

/** The responses to a request, once there are no more. */
async function responses(req) {
  const heard = [];
  for await (const res of req.responses()) heard.push(res.status);
  return heard;
}

test('an INVITE that nobody answers is repeated, and ends in a 408 after 32 s', async (t) => {
  const { world, app } = await stage(t);
  world.peer('sip:bob@192.0.2.9');
  const req = await app.request({ uri: 'sip:bob@192.0.2.9', method: 'INVITE', body: 'v=0' });
  const heard = responses(req);
  await world.advance(31_999);
  assert.equal(app.client.census().openTransactions, 1);
  await world.advance(1);
  assert.deepEqual(await heard, [408]);
  const times = seen(world).map((line) => Number.parseInt(line, 10));
  assert.deepEqual(times, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
});

test('timers can be other ones, as in production', async (t) => {
  const { world, app } = await stage(t, undefined, { connect: { engine: { timers: { t1: 100 } } } });
  const heard = responses(await app.request({ uri: 'sip:bob@192.0.2.9', method: 'OPTIONS' }));
  await world.advance(6_400);
  assert.deepEqual(await heard, [408]);
});

test('a peer whose port is closed is known to be so at once', async (t) => {
  const { world, app } = await stage(t);
  const bob = world.peer('sip:bob@192.0.2.9');
  await bob.close();
  assert.deepEqual(await responses(await app.request({ uri: 'sip:bob@192.0.2.9', method: 'OPTIONS' })), [503]);
  assert.equal(world.now, 0);
});
