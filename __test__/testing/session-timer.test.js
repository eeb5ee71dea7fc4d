'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { stage } = require('./stage');

/** A call from the application to bob, with a session timer of 90 s that the application keeps. */
async function call(t) {
  const { world, app } = await stage(t, (a) => a.bye((req, res) => res.send(200)), { connect: { engine: { sessionTimers: { expires: 90 } } } });
  const bob = world.peer('sip:bob@192.0.2.9');
  const req = await app.request({ uri: bob.uri, method: 'INVITE', body: 'v=0', headers: { 'Content-Type': 'application/sdp' } });
  const invite = await bob.receives('INVITE');
  assert.match(invite.get('session-expires'), /^90/);
  const session = { 'Session-Expires': '90;refresher=uac', Require: 'timer', Supported: 'timer' };
  bob.answer(invite, 200, { headers: { ...session, Allow: 'UPDATE', 'Content-Type': 'application/sdp' }, body: 'v=0' });
  for await (const res of req.responses()) if (res.status === 200) await res.ack();
  await bob.receives('ACK');
  return { world, app, bob, session };
}

test('a call is refreshed after half of its interval, for as long as it lasts', async (t) => {
  const { world, app, bob, session } = await call(t);
  for (let count = 1; count <= 40; count++) {
    const update = await bob.receives('UPDATE', { patience: '90s' });
    assert.equal(world.now, count * 45_000);
    bob.answer(update, 200, { headers: session });
  }
  assert.equal(app.client.census().dialogs, 1);
});

test('a call whose peer has vanished is hung up before its interval is over', async (t) => {
  const { world, app, bob } = await call(t);
  await bob.receives('UPDATE', { patience: '90s' });
  await bob.receives('BYE', { patience: '90s' });
  assert.ok(world.now < 90_000, `${world.now}`);
  await world.advance('2m');
  assert.equal(app.client.census().dialogs, 0);
});
