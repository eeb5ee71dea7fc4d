'use strict';
// The end of an application, in virtual time.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { stage } = require('./stage');

const URI = 'sip:app@192.0.2.1';

test('an application that drains takes no new calls, and ends with the last one', async (t) => {
  const { world, app } = await stage(t, (it) => {
    it.invite((req, res) => res.send(200));
    it.bye((req, res) => res.send(200));
  }, { world: { timers: true } });
  const bob = world.peer('sip:bob@192.0.2.9');
  const invite = bob.request('INVITE', URI);
  const ok = await bob.receives(200);
  const dialog = { 'Call-ID': invite.get('call-id'), From: invite.get('from'), To: ok.get('to') };
  bob.request('ACK', URI, { headers: dialog });
  let isOver = false;
  const drained = app.drain({ deadline: 3_600_000 }).then(() => { isOver = true; });
  bob.request('INVITE', URI);
  await bob.receives(503);
  await world.advance('30m');
  assert.equal(isOver, false);
  bob.request('BYE', URI, { headers: { ...dialog, CSeq: '2 BYE' } });
  await bob.receives(200);
  await world.advance('1s');
  await drained;
});
