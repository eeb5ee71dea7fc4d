'use strict';
// An INVITE that is to replace a call names that call (RFC 3891).

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, drachtio, request, turns } = require('./support/harness');

const headers = { Replaces: 'cid-9;to-tag=a;from-tag=b' };
const tagged = { To: '<sip:bob@127.0.0.1>;tag=b1' };

/** The INVITE as the application sees it. */
async function received(text, dialog) {
  let seen;
  const { engine } = await connected((app) => app.invite((req) => (seen = req)));
  engine.receive(text, { dialog });
  await turns();
  return seen;
}

test('the call that an INVITE is to replace is told, and is not its own dialog', async () => {
  const req = await received(request('INVITE', { headers }), 'cid-9;from-tag=b');
  assert.equal(req.replaces, 'cid-9;from-tag=b');
  assert.equal(req.stackDialogId, '');
  assert.equal(req.meta.dialogId, '');
  assert.equal(JSON.parse(JSON.stringify(req)).stackDialogId, '');
});

test('other INVITEs replace nothing', async () => {
  for (const [text, dialog] of [
    [request('INVITE'), ''],
    [request('INVITE', { headers }), ''],
    [request('INVITE', { headers: { ...headers, ...tagged } }), 'D1'],
    [request('INVITE', { headers: tagged }), 'D1'],
  ]) {
    const req = await received(text, dialog);
    assert.equal(req.replaces, undefined);
    assert.equal(req.stackDialogId, dialog);
  }
});

test('an INVITE that is sent to replace a call has the dialog it makes', () => {
  const message = new drachtio.SipMessage(request('INVITE', { headers }));
  const req = new drachtio.Request(message, { source: 'application', dialogId: 'D1', transactionId: 'T' });
  assert.deepEqual([req.replaces, req.stackDialogId], [undefined, 'D1']);
});
