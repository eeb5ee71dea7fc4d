'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { seen, stage } = require('./stage');

test('a 2xx that is never acknowledged is repeated, and the call is hung up after 32 s', async (t) => {
  const byes = [];
  const { world, app } = await stage(t, (a) => {
    a.invite((req, res) => res.send(200, { body: 'v=0' }));
    a.bye((req, res) => {
      byes.push([req.stackTxnId, req.get('reason'), world.now]);
      res.send(200);
    });
  });
  const alice = world.peer('sip:alice@192.0.2.8');
  alice.request('INVITE', 'sip:app@192.0.2.1');
  await alice.receives(200);
  await world.advance(31_999);
  assert.equal(alice.heard.filter(({ status }) => status === 200).length, 10);
  assert.deepEqual(byes, []);
  const bye = await alice.receives('BYE');
  assert.equal(world.now, 32_000);
  alice.answer(bye, 200);
  await world.advance('1m');
  assert.equal(byes.length, 1);
  assert.deepEqual([byes[0][0], byes[0][2]], ['unsolicited', 32_000]);
  assert.match(byes[0][1], /ACK timeout/);
  assert.equal(app.client.census().dialogs, 0);
  assert.equal(seen(world, (line) => line.includes(' BYE ')).length, 1);
});
