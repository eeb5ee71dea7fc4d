'use strict';
// An application that is to end: no new calls, those that there are go on, until a deadline.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connect, startApp } = require('./app');
const { answer, request, statusOf, UdpPeer } = require('./peer');
const drachtio = require('../..');

const isBye = (message) => message.startsWith('BYE ');
const header = (message, name) => new RegExp(`^${name}: *(.*)$`, 'im').exec(message)?.[1];

/** An application with a call that is up, and the caller. */
async function withCall(t) {
  const caller = await UdpPeer.open();
  t.after(() => caller.close());
  const { app, port } = await startApp(t, (it) => {
    it.invite((req, res) => res.send(200));
    it.bye((req, res) => res.send(200));
  });
  const uri = `sip:bob@127.0.0.1:${port}`;
  const invite = request(caller, 'INVITE', { uri });
  caller.send(invite, port);
  const ok = await caller.next((message) => statusOf(message) === 200);
  const inDialog = (method, seq) => {
    const common = { 'Call-ID': header(invite, 'Call-ID'), From: header(invite, 'From'), To: header(ok, 'To') };
    return request(caller, method, { uri, headers: { ...common, CSeq: `${seq} ${method}` } });
  };
  caller.send(inDialog('ACK', 1), port);
  return { app, port, caller, inDialog };
}

test('new calls are refused with 503 and Retry-After, and the application ends with the last call', async (t) => {
  const { app, port, caller, inDialog } = await withCall(t);
  const drained = app.drain({ deadline: 60_000 });
  caller.send(request(caller, 'INVITE', { uri: `sip:bob@127.0.0.1:${port}` }), port);
  const refusal = await caller.next((message) => statusOf(message) >= 300);
  assert.equal(statusOf(refusal), 503);
  assert.match(header(refusal, 'Retry-After'), /^\d+$/);
  caller.send(inDialog('BYE', 2), port);
  assert.equal(await caller.finalStatus(), 200);
  await drained;
  assert.deepEqual(app.client.census(), {});
});

test('what is left at the deadline is hung up', async (t) => {
  const { app, port, caller } = await withCall(t);
  const drained = app.drain({ deadline: 100 });
  const bye = await caller.next(isBye);
  caller.send(answer(bye, '200 OK'), port);
  await drained;
});

test('an application that is disconnected meanwhile is not waited for', async (t) => {
  const { app } = await withCall(t);
  const drained = app.drain({ deadline: 60_000 });
  await app.disconnect();
  await drained;
});

test('one that has no calls ends at once, and can be connected again', async (t) => {
  const { app, port } = await startApp(t, () => {});
  await app.drain();
  await connect(app, { contact: `sip:127.0.0.1:${port};transport=udp` });
});

test('what can not be done is said', async (t) => {
  const { app } = await startApp(t, () => {});
  await assert.rejects(app.drain({ deadline: -1 }), { code: 'DRT_ERR_INVALID_OPTION' });
  await assert.rejects(app.drain({ patience: 1 }), { code: 'DRT_ERR_INVALID_OPTION' });
  await assert.rejects(drachtio().drain(), { code: 'DRT_ERR_NOT_CONNECTED' });
});
