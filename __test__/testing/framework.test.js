'use strict';
// A framework upon this package is connected to a world as an application is.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const Srf = require('drachtio-srf-4');
const { openWorld } = require('../../testing');

test('a call to drachtio-srf', async (t) => {
  const world = openWorld();
  t.after(() => world.close());
  const srf = new Srf();
  const told = [];
  srf.invite(async (req, res) => {
    const dialog = await srf.createUAS(req, res, { localSdp: 'v=0' });
    told.push(['answered', world.now]);
    dialog.on('destroy', () => told.push(['destroyed', world.now]));
  });
  await world.connect(srf, { contact: 'sip:192.0.2.1' });
  const alice = world.peer('sip:alice@192.0.2.8');
  const invite = alice.request('INVITE', 'sip:app@192.0.2.1');
  const answer = await alice.receives(200);
  const dialog = { 'Call-ID': invite.get('call-id'), From: invite.get('from'), To: answer.get('to') };
  alice.request('ACK', 'sip:app@192.0.2.1', { headers: dialog });
  await world.advance('1h');
  alice.request('BYE', 'sip:app@192.0.2.1', { headers: { ...dialog, CSeq: '2 BYE' } });
  await alice.receives((message) => message.get('cseq') === '2 BYE' && message.status === 200);
  assert.deepEqual(told, [['answered', 0], ['destroyed', 3_600_000]]);
});
