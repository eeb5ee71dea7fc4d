'use strict';
// Promises, loops and signals on the engine.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { startApp } = require('./app');
const { openPeer } = require('../../testing');

async function pair(t, configure) {
  const { app, port } = await startApp(t, configure);
  const peer = await openPeer();
  t.after(() => peer.close());
  return { app, peer, uri: `sip:app@127.0.0.1:${port}` };
}

test('what send promises is the message that the peer gets', async (t) => {
  const { app, peer, uri } = await pair(t, (a) => a.invite(async (req, res) => {
    a.emit('sent', await res.send(180), await res.send(486, { headers: { 'X-A': 'é' } }));
  }));
  const sending = once(app, 'sent');
  peer.request('INVITE', uri);
  const heard = [await peer.receives(180), await peer.receives(486)];
  assert.deepEqual((await sending).map(String), heard.map(String));
});

test('a response after the caller has given up rejects', async (t) => {
  const { app, peer, uri } = await pair(t, (a) => a.invite((req, res) => {
    req.on('cancel', () => res.send(200).catch((err) => a.emit('not sent', err.code)));
    res.send(180);
  }));
  const invite = peer.request('INVITE', uri);
  await peer.receives(180);
  const failure = once(app, 'not sent');
  const same = Object.fromEntries(['Via', 'From', 'To', 'Call-ID'].map((name) => [name, invite.get(name)]));
  peer.request('CANCEL', uri, { headers: { ...same, CSeq: '1 CANCEL' } });
  await peer.receives(487);
  assert.deepEqual(await failure, ['DRT_ERR_UNKNOWN_TRANSACTION']);
});

test('a signal cancels a call that rings', async (t) => {
  const controller = new AbortController();
  const { app, peer } = await pair(t, () => {});
  const req = await app.request({ uri: peer.uri, method: 'INVITE', signal: controller.signal });
  const invite = await peer.receives('INVITE');
  peer.answer(invite, 180);
  const reading = (async () => {
    for await (const res of req.responses()) if (res.status === 180) controller.abort();
  })();
  await assert.rejects(reading, { name: 'AbortError' });
  const cancel = await peer.receives('CANCEL');
  assert.equal(cancel.get('call-id'), invite.get('call-id'));
  peer.answer(cancel, 200);
  peer.answer(invite, 487);
  await peer.receives('ACK');
});

test('the end of the engine ends the loop', async (t) => {
  const { app, peer } = await pair(t, () => {});
  const req = await app.request({ uri: peer.uri, method: 'OPTIONS' });
  const reading = (async () => {
    const statuses = [];
    for await (const res of req.responses()) statuses.push(res.status);
    return statuses;
  })();
  await peer.receives('OPTIONS');
  await app[Symbol.asyncDispose]();
  const outcome = await reading.catch((err) => err.code);
  assert.equal(outcome, 'DRT_ERR_DISCONNECTED');
});
