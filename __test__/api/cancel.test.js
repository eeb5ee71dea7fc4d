'use strict';
// CANCEL, in both directions.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, drachtio, request, startLine, headerLines, turns } = require('./support/harness');

async function sentInvite() {
  const { app, engine } = await connected();
  let req;
  app.request({ uri: 'sip:bob@10.0.0.9', method: 'INVITE' }, (err, invite) => {
    req = invite;
  });
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T1', dialog: 'D1' }, request('INVITE'));
  return { app, engine, req };
}

/** INVITEs that came and have not been answered. */
async function received(...transactions) {
  const events = [];
  const requests = [];
  const { app, engine } = await connected((a) => a.use((req, res) => {
    requests.push(req);
    req.on('cancel', (...args) => events.push([req.stackTxnId, ...args]));
    req.answer = (...args) => res.send(...args);
  }));
  for (const txn of transactions) engine.receive(request('INVITE'), { txn });
  return { app, engine, events, requests };
}

test('cancel sends a CANCEL for the transaction, and calls back with it', async () => {
  const { engine, req } = await sentInvite();
  let told;
  req.cancel((...args) => {
    told = args;
  });
  await turns();
  const [command] = engine.drain();
  assert.equal(command.head, 'T1||');
  assert.equal(startLine(command), 'CANCEL sip:bob@127.0.0.1 SIP/2.0');
  engine.accept(command, { txn: 'T2' }, request('CANCEL'));
  assert.equal(told[0], null);
  assert.ok(told[1] instanceof drachtio.Request);
  assert.equal(told[1].method, 'CANCEL');
});

test('cancel takes headers, and does without a callback', async () => {
  const { engine, req } = await sentInvite();
  req.cancel({ headers: { Reason: 'SIP;cause=200' } }, () => {});
  req.cancel({ headers: { Reason: 'SIP;cause=200' } });
  req.cancel();
  await turns();
  const commands = engine.drain();
  assert.deepEqual(commands.map(headerLines), [['Reason: SIP;cause=200'], ['Reason: SIP;cause=200'], []]);
  for (const command of commands) engine.refuse(command, 'unable to cancel unknown transaction id: T1');
});

test('a CANCEL awaits no response', async () => {
  const { app, engine, req } = await sentInvite();
  req.cancel();
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T2' }, request('CANCEL'));
  assert.equal(app.idle, false);
  engine.receive(request('INVITE').replace(/^.*\r\n/, 'SIP/2.0 487 Request Terminated\r\n'), { txn: 'T1' });
  assert.equal(app.idle, true);
});

test('a request that came cannot be cancelled', async () => {
  const { requests } = await received('T1');
  assert.throws(() => requests[0].cancel(() => {}), { message: 'Request#cancel can only be used for uac Request', code: 'DRT_ERR_WRONG_SIDE' });
});

test('a CANCEL that comes is an event of its INVITE, and no request of its own', async () => {
  const { engine, events, requests } = await received('T1');
  engine.receive(request('CANCEL'), { txn: 'T1' });
  await turns();
  assert.equal(requests.length, 1);
  assert.equal(events.length, 1);
  const [[txn, message]] = events;
  assert.equal(txn, 'T1');
  assert.ok(message instanceof drachtio.SipMessage);
  assert.equal(message.method, 'CANCEL');
  assert.deepEqual(engine.commands, []);
});

test('of two INVITEs with one Call-ID the one is cancelled that the CANCEL is for', async () => {
  const { engine, events } = await received('T1', 'T2');
  engine.receive(request('CANCEL'), { txn: 'T1', dialog: 'D1' });
  assert.deepEqual(events.map(([txn]) => txn), ['T1']);
  engine.receive(request('CANCEL'), { txn: 'T2', dialog: 'D1' });
  assert.deepEqual(events.map(([txn]) => txn), ['T1', 'T2']);
});

test('a response after the CANCEL fails without harm', async () => {
  const { engine, requests } = await received('T1');
  engine.receive(request('CANCEL'), { txn: 'T1' });
  const errors = [];
  requests[0].answer(200, (err) => errors.push(err));
  requests[0].answer(487);
  await turns();
  const commands = engine.drain();
  assert.deepEqual(commands.map(startLine), ['SIP/2.0 200 OK']);
  engine.refuse(commands[0], 'Response not sent due to unknown transaction', 'DRT_ERR_UNKNOWN_TRANSACTION');
  await turns();
  assert.deepEqual(errors.map(String), ['Response not sent due to unknown transaction']);
});

test('a CANCEL that comes before somebody listens is told then', async () => {
  let req;
  const { engine } = await connected((app) => app.invite((r) => {
    req = r;
  }));
  engine.receive(request('INVITE'));
  engine.receive(request('CANCEL'));
  const told = new Promise((resolve) => {
    req.on('cancel', resolve);
  });
  assert.equal((await told).method, 'CANCEL');
});

test('a CANCEL after the final response goes to the handlers, and gets no answer', async () => {
  const { engine, events, requests } = await received('T1');
  requests[0].answer(486);
  await turns();
  engine.drain();
  engine.receive(request('CANCEL'), { txn: 'T1' });
  await turns();
  assert.deepEqual(events, []);
  assert.deepEqual(requests.map(({ method }) => method), ['INVITE', 'CANCEL']);
  assert.deepEqual(engine.commands, []);
});

test('INVITEs that are never answered are remembered up to a limit', async () => {
  const { MAX_OPEN_REQUESTS } = require('../../lib/session');
  const cancelled = [];
  const { engine } = await connected((app) => app.use((req) => {
    if (req.method === 'INVITE') req.on('cancel', () => cancelled.push(req.stackTxnId));
  }));
  const text = request('INVITE');
  for (let i = 0; i <= MAX_OPEN_REQUESTS; i++) engine.receive(text, { txn: `T${i}` });
  for (const txn of ['T0', 'T1', `T${MAX_OPEN_REQUESTS}`]) engine.receive(request('CANCEL'), { txn });
  assert.deepEqual(cancelled, ['T1', `T${MAX_OPEN_REQUESTS}`]);
});
