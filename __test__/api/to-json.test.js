'use strict';
// What is seen of requests and responses when they are printed or dumped.

const test = require('node:test');
const assert = require('node:assert/strict');
const { inspect } = require('node:util');
const { connected, drachtio, request, turns } = require('./support/harness');

async function received() {
  let pair;
  const { app, engine } = await connected((a) => a.invite((req, res) => {
    pair = { req, res };
  }));
  app.set('my secret', 'hush-hush');
  engine.receive(request('INVITE', { body: 'v=0' }), { dialog: 'D1' });
  await turns();
  return { app, ...pair };
}

test('a request is its message and how it came', async () => {
  const { req } = await received();
  const { msg, ...meta } = JSON.parse(JSON.stringify(req));
  assert.deepEqual(meta, {
    source: 'network', source_address: '10.0.0.9', source_port: 5090, protocol: 'udp', stackTime: '18:02:49.715381', stackTxnId: 'txn-1', stackDialogId: 'D1',
  });
  assert.deepEqual(Object.keys(msg), ['headers', 'body', 'payload', 'method', 'uri', 'version', 'raw']);
  assert.equal(msg.headers['call-id'], 'cid-1');
  assert.equal(msg.body, 'v=0');
});

test('a response is its message', async () => {
  const { res } = await received();
  res.send(486);
  const { msg, stackTxnId } = JSON.parse(JSON.stringify(res));
  assert.equal(stackTxnId, 'txn-1');
  assert.equal(msg.status, 486);
});

test('nothing of the agent is in it', async () => {
  const { req, res } = await received();
  for (const text of [JSON.stringify(req), JSON.stringify(res), inspect(req), inspect(res, { depth: 9 }), inspect({ req }, { depth: 9 })]) {
    assert.doesNotMatch(text, /hush-hush|agent/i);
  }
  assert.match(inspect(req), /^Request \{/);
  assert.match(inspect(req.msg), /^SipMessage \{/);
});

test('receivedOn is the listener that it came to', async () => {
  const requests = [];
  const { engine } = await connected((a) => a.use((req) => requests.push(req)));
  engine.receive(request('OPTIONS'));
  assert.equal(requests[0].receivedOn, '127.0.0.1:5060');
  assert.equal(new drachtio.Request().receivedOn, undefined);
});

test('meta is told and can be given', () => {
  const meta = { source: 'network', address: '10.0.0.1', port: '5070', protocol: 'tcp', time: '01:02:03.000004', transactionId: 'T', dialogId: 'D' };
  const req = new drachtio.Request(new drachtio.SipMessage({ method: 'INVITE', uri: 'sip:a@b' }), meta);
  assert.deepEqual(req.meta, { source: 'network', source_address: '10.0.0.1', source_port: 5070, protocol: 'tcp', time: '01:02:03.000004', transactionId: 'T', dialogId: 'D' });
  assert.equal(req.stackTxnId, 'T');
  const copy = new drachtio.Request(req.msg, req.meta);
  assert.deepEqual(copy.meta, req.meta);
});

test('a peer without a port is taken to use 5060', async () => {
  const { engine } = await connected((app) => app.invite((req) => assert.equal(req.source_port, 5060)));
  engine.receive(request('INVITE'), { port: '' });
});

test('requests and responses can be made by hand', () => {
  assert.throws(() => new drachtio.Request({}), { name: 'AssertionError' });
  const req = new drachtio.Request();
  assert.deepEqual([req.method, req.source, req.stackDialogId], [undefined, undefined, undefined]);
  const res = new drachtio.Response({ name: 'an agent' });
  assert.deepEqual(res.agent, { name: 'an agent' });
  assert.equal(res.status, undefined);
});

test('a request tells of its message', async () => {
  const { app, req } = await received();
  assert.deepEqual([req.method, req.uri, req.url, req.type], ['INVITE', 'sip:bob@127.0.0.1', 'sip:bob@127.0.0.1', 'request']);
  assert.deepEqual([req.callingNumber, req.callingName, req.calledNumber], ['alice', '', 'bob']);
  assert.deepEqual([req.isNewInvite, req.canFormDialog], [true, true]);
  assert.equal(req.agent, app.client);
  assert.equal(req.app, app);
  assert.equal(req.res.req, req);
  assert.deepEqual(req.payload, [{ type: undefined, content: 'v=0' }]);
  assert.match(req.raw, /^INVITE /);
  req.method = 'INFO';
  req.uri = 'sip:x@y';
  req.body = 'b';
  req.headers = { 'X-A': 1 };
  assert.deepEqual([req.msg.method, req.msg.uri, req.msg.body, req.get('x-a'), req.isNewInvite], ['INFO', 'sip:x@y', 'b', '1', false]);
});

test('a request in a dialog is no new INVITE', async () => {
  let isNew;
  const { engine } = await connected((app) => app.invite((req) => {
    isNew = req.isNewInvite;
  }));
  engine.receive(request('INVITE', { headers: { To: '<sip:bob@127.0.0.1>;tag=b1' } }));
  assert.equal(isNew, false);
});
