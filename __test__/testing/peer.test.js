'use strict';
// Peers for the tests of applications.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const drachtio = require('../..');
const { openPeer } = require('../../testing');
const { startApp } = require('../engine/app');

test('a call from a peer', async (t) => {
  const { app, port } = await startApp(t, (a) => a
    .invite((req, res) => {
      res.send(180);
      res.send(200, { headers: { 'X-Heard': req.get('x-a') }, body: 'v=0 é' });
    })
    .bye((req, res) => res.send(200)));
  const peer = await openPeer();
  const uri = `sip:app@127.0.0.1:${port}`;
  const invite = peer.request('INVITE', uri, { headers: { 'X-A': 1 }, body: 'v=0' });
  const answer = await peer.receives(200);
  assert.deepEqual([answer.get('call-id'), answer.get('x-heard'), answer.body], [invite.get('call-id'), '1', 'v=0 é']);
  assert.deepEqual(peer.heard.map(({ status }) => status), [100, 180]);
  const dialog = Object.fromEntries(['Call-ID', 'From'].map((name) => [name, invite.get(name)]));
  peer.request('ACK', uri, { headers: { ...dialog, To: answer.get('to') } });
  peer.request('BYE', uri, { headers: { ...dialog, To: answer.get('to'), CSeq: '2 BYE' } });
  assert.equal((await peer.receives((message) => message.get('cseq') === '2 BYE')).status, 200);
  await peer.close();
  assert.equal(app.client.census().dialogs, 0);
});

test('a call to a peer', async (t) => {
  const { app } = await startApp(t, () => {});
  const peer = await openPeer();
  t.after(() => peer[Symbol.asyncDispose]());
  const sent = await app.request({ uri: peer.uri, method: 'INVITE', body: 'v=0' });
  const invite = await peer.receives('invite');
  assert.equal(invite.body, 'v=0');
  peer.answer(invite, 180);
  peer.answer(invite, 486, { headers: { 'X-A': 'b', To: `${invite.get('to')};tag=own` } });
  const heard = [];
  for await (const res of sent.responses()) heard.push([res.status, res.reason, res.get('x-a'), res.getParsedHeader('to').params.tag]);
  assert.deepEqual(heard, [[180, 'Ringing', undefined, 'peer'], [486, 'Busy Here', 'b', 'own']]);
  await peer.receives('ACK');
});

test('two peers send each other anything', async () => {
  const [a, b] = await Promise.all([openPeer(), openPeer()]);
  const waiting = b.receives('FOO');
  a.send('\r\n\r\n', b.uri);
  a.send(new drachtio.SipMessage({ method: 'FOO', uri: 'sip:x', headers: { 'X-A': 'é' } }), b.uri);
  assert.equal((await waiting).get('x-a'), 'é');
  assert.throws(() => a.send('x', 'tel:1'), { code: 'DRT_ERR_INVALID_ARGUMENT' });
  await Promise.all([a.close(), b.close()]);
});

test('what does not come is an error that says what came', async () => {
  const peer = await openPeer();
  peer.request('OPTIONS', peer.uri);
  await peer.receives(() => peer.heard.length > 0, { patience: 1 }).catch(() => {});
  await assert.rejects(peer.receives(200, { patience: 10 }), { code: 'DRT_ERR_NOT_RECEIVED', message: /^200 has not been received within 10 ms, but (OPTIONS sip:peer|nothing)/ });
  await peer.close();
});

test('a peer holds a limited number of messages', async () => {
  const [a, b] = await Promise.all([openPeer(), openPeer()]);
  for (let i = 0; i <= 1_000; i++) {
    a.send(`M${i} sip:x SIP/2.0\r\n\r\n`, b.uri);
    // Each is heard before the next one is sent, so that none is lost.
    while (b.heard.at(-1)?.method !== `M${i}`) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual([b.heard.length, b.heard[0].method], [1_000, 'M1']);
  await Promise.all([a.close(), b.close()]);
});
