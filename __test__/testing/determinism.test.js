'use strict';
// The same seed, the same run: messages, times, tags, branches, and what the network does to them.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { stage } = require('./stage');

const BAD = { latency: 5, jitter: 400, loss: 0.2, duplication: 0.2 };

/** Everything that is sent in a few calls over a bad network. */
async function run(t, seed) {
  const { world } = await stage(
    t,
    (app) => {
      app.invite((req, res) => {
        res.send(180);
        setTimeout(() => res.send(200, { body: 'v=0' }), 2_000);
      });
      app.bye((req, res) => res.send(200));
    },
    { world: { ...BAD, seed, timers: true } },
  );
  const alice = world.peer('sip:alice@192.0.2.8');
  for (let count = 0; count < 5; count++) {
    alice.request('INVITE', 'sip:app@192.0.2.1');
    await world.advance(700);
  }
  await world.advance('3m');
  await world.close();
  return world.sent;
}

test('a run can be played again from its seed', async (t) => {
  const first = await run(t, 7);
  assert.ok(first.length > 50, `${first.length}`);
  assert.deepEqual(await run(t, 7), first);
});

test('another seed is another run', async (t) => {
  const [one, other] = [await run(t, 7), await run(t, 8)];
  assert.notDeepEqual(other.map(({ arrivals }) => arrivals), one.map(({ arrivals }) => arrivals));
  const tags = (sent) => new Set(sent.flatMap(({ text }) => text.match(/;tag=\w{16}/g) ?? []));
  assert.ok(tags(one).isDisjointFrom?.(tags(other)) ?? [...tags(one)].every((tag) => !tags(other).has(tag)));
});
