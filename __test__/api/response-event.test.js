'use strict';
// What comes back for a request: the `response` event and its `ack`.

const test = require('node:test');
const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const { connected, drachtio, request, response, startLine, headerLines, bodyOf, turns } = require('./support/harness');

const META = { txn: 'T1', dialog: 'D1' };

/** A request that has been sent, with the engine that sent it. */
async function sent(method = 'INVITE', options = {}) {
  const { app, engine } = await connected();
  const result = { app, engine, events: [] };
  app.request({ uri: 'sip:bob@10.0.0.9', method, ...options }, (err, req) => {
    assert.equal(err, null);
    result.req = req;
  });
  await turns();
  engine.accept(engine.drain()[0], META, request(method));
  return result;
}

function collect(result) {
  result.req.on('response', (res, ack) => result.events.push({ res, ack }));
  return result;
}

test('each response is an event with the response and a function', async () => {
  const { req, engine, events, app } = collect(await sent());
  engine.receive(response(180, 'Ringing'), META);
  engine.receive(response(200, 'OK'), META);
  assert.deepEqual(events.map(({ res }) => [res.status, res.reason]), [[180, 'Ringing'], [200, 'OK']]);
  for (const { res, ack } of events) {
    assert.ok(res instanceof drachtio.Response);
    assert.ok(res instanceof EventEmitter);
    assert.equal(res.req, req);
    assert.equal(res.stackDialogId, 'D1');
    assert.equal(res.stackTxnId, 'T1');
    assert.equal(res.agent, app.client);
    assert.equal(res.source, 'network');
    assert.equal(typeof ack, 'function');
  }
});

test('ack of a final response to an INVITE sends the ACK in the dialog', async () => {
  const { engine, events } = collect(await sent());
  engine.receive(response(200, 'OK'), META);
  let acknowledged;
  events[0].ack({ headers: { 'X-A': 1 }, body: 'abc' }, (...args) => {
    acknowledged = args;
  });
  await turns();
  const [command] = engine.drain();
  assert.equal(command.head, '||D1');
  assert.equal(startLine(command), 'ACK sip:bob@127.0.0.1 SIP/2.0');
  assert.deepEqual(headerLines(command), ['X-A: 1']);
  assert.equal(bodyOf(command), 'abc');
  engine.accept(command, META, request('ACK'));
  assert.equal(acknowledged[0], null);
  assert.ok(acknowledged[1] instanceof drachtio.SipMessage);
});

test('ack takes a callback alone, and does without any argument', async () => {
  const { engine, events } = collect(await sent());
  engine.receive(response(200, 'OK'), META);
  let refused;
  events[0].ack((err) => {
    refused = err;
  });
  events[0].ack();
  await turns();
  const commands = engine.drain();
  assert.equal(commands.length, 2);
  for (const command of commands) engine.refuse(command, 'no');
  assert.equal(String(refused), 'no');
});

test('ack of a reliable provisional response sends the PRACK for it', async () => {
  const { engine, events } = collect(await sent());
  engine.receive(response(183, 'Session Progress', { seq: 5, headers: { Require: '100rel', RSeq: 77 } }), META);
  events[0].ack({ headers: { 'X-A': 1 } });
  await turns();
  const [command] = engine.drain();
  assert.equal(command.head, '||D1');
  assert.equal(startLine(command), 'PRACK sip:bob@127.0.0.1 SIP/2.0');
  assert.deepEqual(headerLines(command), ['X-A: 1', 'RAck: 77 5 INVITE']);
});

test('ack of any other response does nothing', async () => {
  const invite = collect(await sent());
  invite.engine.receive(response(180, 'Ringing'), META);
  invite.events[0].ack();
  const options = collect(await sent('OPTIONS'));
  options.engine.receive(response(200, 'OK', { method: 'OPTIONS' }), META);
  options.events[0].ack();
  await turns();
  assert.deepEqual([...invite.engine.commands, ...options.engine.commands], []);
});

test('responses that come before there is a listener wait for it, in their order', async () => {
  const { app, engine } = await connected();
  const promise = app.request({ uri: 'sip:bob@10.0.0.9', method: 'OPTIONS' });
  await turns();
  engine.accept(engine.drain()[0], META, request('OPTIONS'));
  engine.receive(response(180, 'Ringing', { method: 'OPTIONS' }), META);
  engine.receive(response(200, 'OK', { method: 'OPTIONS' }), META);
  const req = await promise;
  await turns();
  const statuses = [];
  req.on('response', (res) => statuses.push(res.status));
  assert.deepEqual(statuses, []);
  await turns();
  assert.deepEqual(statuses, [180, 200]);
  req.on('response', () => assert.fail('told twice'));
  await turns();
});

test('of the responses that wait for a listener, the latest are kept', async () => {
  const { MAX_HELD_EVENTS } = require('../../lib/held_events');
  const { engine, req } = await sent();
  for (let i = 0; i < MAX_HELD_EVENTS + 5; i++) engine.receive(response(180, 'Ringing', { headers: { 'X-N': i } }), META);
  const seen = [];
  req.once('response', (res) => seen.push(res.get('X-N')));
  req.on('response', (res) => seen.push(res.get('X-N')));
  await turns();
  assert.equal(seen[0], '5');
  assert.equal(seen.at(-1), String(MAX_HELD_EVENTS + 4));
  assert.equal(seen.length, MAX_HELD_EVENTS + 1);
});

test('a response to a request that has had its final response is not told', async () => {
  const { engine, events } = collect(await sent('OPTIONS'));
  engine.receive(response(200, 'OK', { method: 'OPTIONS' }), META);
  engine.receive(response(200, 'OK', { method: 'OPTIONS' }), META);
  engine.receive(response(200, 'OK', { method: 'OPTIONS' }), { txn: 'unheard of' });
  assert.equal(events.length, 1);
});

test('what a listener throws does not keep the other events of a batch back', async (t) => {
  const uncaught = t.mock.fn();
  process.setUncaughtExceptionCaptureCallback(uncaught);
  t.after(() => process.setUncaughtExceptionCaptureCallback(null));
  const { engine, req } = await sent();
  const statuses = [];
  req.on('response', (res) => {
    statuses.push(res.status);
    throw new Error(`listener of ${res.status}`);
  });
  const { frameOf } = require('./support/fake_engine');
  engine.post(1, 0, ...frameOf(response(180, 'Ringing'), META)).post(1, 0, ...frameOf(response(200, 'OK'), META)).ring();
  assert.deepEqual(statuses, [180, 200]);
  await turns();
  assert.deepEqual(uncaught.mock.calls.map(({ arguments: [err] }) => err.message), ['listener of 180', 'listener of 200']);
});

test('of an INVITE whose every fork is wanted, each 2xx is an event with an ack of its own', async () => {
  const { engine, events } = collect(await sent('INVITE', { forks: 'all' }));
  engine.receive(response(200, 'OK'), META);
  engine.receive(response(200, 'OK'), { ...META, dialog: 'D1;to-tag=two' });
  assert.deepEqual(events.map(({ res }) => res.stackDialogId), ['D1', 'D1;to-tag=two']);
  events[1].ack();
  await turns();
  assert.equal(engine.drain()[0].head, '||D1;to-tag=two');
});

test('the option forks goes with the INVITE, and is checked', async () => {
  const { app, engine } = await connected();
  app.request({ uri: 'sip:bob@10.0.0.9', method: 'INVITE', forks: 'all' }, () => {});
  app.request({ uri: 'sip:bob@10.0.0.9', method: 'INVITE', forks: 'all', proxy: 'sip:10.0.0.1' }, () => {});
  await turns();
  assert.deepEqual(engine.drain().map(({ head }) => head), ['| forks=all|', '|sip:10.0.0.1 forks=all|']);
  assert.throws(() => app.request({ uri: 'sip:bob@10.0.0.9', method: 'INVITE', forks: 2 }), { code: 'DRT_ERR_INVALID_OPTION' });
});
