'use strict';
// Nothing of a call is kept after it has ended.

const test = require('node:test');
const assert = require('node:assert/strict');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { connected, request, response, turns } = require('./support/harness');

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

/**
 * Whether what `scenario` puts into the array it is given goes away once it has come to its end.
 *
 * @param {(kept: WeakRef<object>[]) => Promise<void>} scenario
 */
async function isForgotten(scenario) {
  const references = [];
  await scenario(references);
  assert.ok(references.length > 0);
  for (let round = 0; round < 20; round++) {
    // What has been looked at through a WeakRef lives until the end of the turn.
    await turns();
    collectGarbage();
    if (references.every((reference) => reference.deref() === undefined)) return true;
  }
  return false;
}

test('a call that was received, answered and ended', async () => {
  assert.equal(await isForgotten(receivedCall), true);
});

async function receivedCall(kept) {
  const { app, engine } = await connected((a) => a.use((req, res) => {
    kept.push(new WeakRef(req), new WeakRef(res), new WeakRef(req.msg));
    if (req.method !== 'ACK') res.send(200, { body: 'v=0' }, () => {}, () => {});
  }));
  engine.onCommand = (command) => setImmediate(() => engine.accept(command, { dialog: 'D1' }));
  for (const method of ['INVITE', 'ACK', 'BYE']) {
    engine.receive(request(method), { txn: `T-${method}`, dialog: 'D1' });
    await turns(5);
  }
  assert.equal(kept.length, 9);
  assert.equal(app.idle, true);
}

test('a call that was cancelled, and one that was proxied', async () => {
  assert.equal(await isForgotten(cancelledAndProxied), true);
});

async function cancelledAndProxied(kept) {
  const { engine } = await connected((a) => a.invite((req, res) => {
    kept.push(new WeakRef(req), new WeakRef(res));
    req.on('cancel', () => {});
    if (req.stackTxnId === 'T2') req.proxy({}, () => {});
  }));
  engine.receive(request('INVITE'), { txn: 'T1' });
  engine.receive(request('CANCEL'), { txn: 'T1' });
  engine.receive(request('INVITE'), { txn: 'T2' });
  await turns();
  engine.finish(engine.drain()[0]);
}

test('a request that was sent, challenged and answered', async () => {
  assert.equal(await isForgotten(sentAndChallenged), true);
});

async function sentAndChallenged(kept) {
  const { app, engine } = await connected();
  const auth = { username: 'u', password: 'p' };
  app.request({ uri: 'sip:a@b.example', method: 'OPTIONS', auth }, (err, req) => {
    kept.push(new WeakRef(req));
    req.on('authenticate', (retry) => kept.push(new WeakRef(retry)));
    req.on('response', (res) => kept.push(new WeakRef(res)));
  });
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T1' }, request('OPTIONS'));
  engine.receive(response(401, 'No', { method: 'OPTIONS', headers: { 'WWW-Authenticate': 'Digest realm="r", nonce="n"' } }), { txn: 'T1' });
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T2' }, request('OPTIONS', { seq: 2 }));
  engine.receive(response(200, 'OK', { method: 'OPTIONS', seq: 2 }), { txn: 'T2' });
  assert.equal(kept.length, 3);
}
