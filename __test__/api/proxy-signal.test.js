'use strict';
// An application stops the search of a proxied request by an AbortSignal.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, request, response, startLine, turns } = require('./support/harness');
const { proxied } = require('./support/proxied');

test('the engine is told to stop, and the results come as always', async () => {
  const abort = new AbortController();
  const { engine, command, returned } = await proxied((req) => req.proxy({ destination: 'sip:a', signal: abort.signal }));
  abort.abort();
  await turns();
  const [, stop] = engine.commands;
  assert.deepEqual([stop.kind, stop.head, startLine(stop)], [3, 'txn-1||', 'CANCEL sip:bob@127.0.0.1 SIP/2.0']);
  engine.branch(command, response(487, 'Request Terminated'), { txn: '0' });
  engine.branch(command, response(480, 'Temporarily Unavailable'), { source: 'application' });
  engine.finish(command);
  const { connected, finalStatus } = await returned;
  assert.deepEqual([connected, finalStatus], [false, 480]);
});

test('after the end it has nothing to stop', async () => {
  const abort = new AbortController();
  const { engine, command, returned } = await proxied((req) => req.proxy({ destination: 'sip:a', signal: abort.signal }));
  engine.branch(command, response(200, 'OK'), { txn: '0' });
  engine.finish(command);
  await returned;
  abort.abort();
  await turns();
  assert.equal(engine.commands.length, 1);
});

test('nor after a refusal', async (t) => {
  t.mock.method(console, 'error', () => {});
  const abort = new AbortController();
  const { engine, command, returned } = await proxied((req) => req.proxy({ destination: 'sip:a', signal: abort.signal }));
  engine.refuse(command, 'no');
  await assert.rejects(returned, { message: 'no' });
  abort.abort();
  await turns();
  assert.deepEqual(engine.commands.slice(1).map(startLine), ['SIP/2.0 500 Server Internal Error']);
});

test('when it is aborted already nothing is proxied, and the request can still be answered', async () => {
  const reason = new Error('too late');
  let told;
  const { engine } = await proxied((req) => req.proxy({ signal: AbortSignal.abort(reason) }, (err) => {
    told = err;
    req.res.send(480);
  }));
  await turns();
  assert.equal(told, reason);
  assert.deepEqual(engine.commands.map(startLine), ['SIP/2.0 480 Temporarily Unavailable']);
});

test('one signal may stop any number of searches', async (t) => {
  const warn = t.mock.method(process, 'emitWarning', () => {}).mock;
  const { signal } = new AbortController();
  const { engine } = await connected((app) => app.invite((req) => req.proxy({ destination: 'sip:a', signal })));
  for (let i = 0; i < 20; i++) engine.receive(request('INVITE'), { txn: `txn-${i}` });
  await turns();
  assert.equal(engine.commands.length, 20);
  assert.deepEqual(warn.calls, []);
});
