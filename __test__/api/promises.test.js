'use strict';
// Where a callback may be left out, a promise is returned.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, request, response, startLine, turns } = require('./support/harness');

/** What an async handler for INVITE makes of a request. */
async function handled(handler, { refusal } = {}) {
  const rejections = [];
  const onRejection = (err) => rejections.push(err);
  process.on('unhandledRejection', onRejection);
  const outcome = {};
  let finished;
  const isOver = new Promise((resolve) => {
    finished = resolve;
  });
  const { engine } = await connected((app) => app.invite(async (req, res) => {
    try {
      outcome.value = await handler(req, res);
    } catch (err) {
      outcome.err = err;
    }
    finished();
  }));
  engine.onCommand = (command) => {
    if (command.id === 0) return;
    setImmediate(() => (refusal ? engine.refuse(command, ...refusal) : engine.accept(command, { dialog: 'D1' }, `${command.text.replace('\r\n\r\n', '\r\nX-Echo: 1\r\n\r\n')}`)));
  };
  engine.receive(request('INVITE'));
  await isOver;
  await turns(10);
  process.off('unhandledRejection', onRejection);
  assert.deepEqual(rejections, []);
  return { ...outcome, engine };
}

test('send: the message as it was sent', async () => {
  const { value, engine } = await handled((req, res) => res.send(180));
  assert.deepEqual([value.status, value.get('x-echo')], [180, '1']);
  assert.notEqual(engine.commands[0].id, 0);
});

test('send: nobody waits, and the engine is not asked', async () => {
  const { engine } = await handled((req, res) => void res.send(486));
  assert.equal(engine.commands[0].id, 0);
});

test('send: several of one turn may be awaited', async () => {
  const { value } = await handled((req, res) => Promise.all([res.send(180), res.send(183, { headers: { Contact: '<sip:a@b>' } }), res.send(200)]));
  assert.deepEqual(value.map((message) => message.status), [180, 183, 200]);
});

test('send: a refusal rejects, and one that nobody awaits is no unhandled rejection', async () => {
  const refusal = ['gone', 'DRT_ERR_UNKNOWN_TRANSACTION'];
  const { err } = await handled((req, res) => res.send(200), { refusal });
  assert.deepEqual([err.message, err.code], ['gone', 'DRT_ERR_UNKNOWN_TRANSACTION']);
  await handled((req, res) => void res.send(200, { headers: { Contact: '<sip:a@b>' } }), { refusal });
});

test('send: a second final response rejects', async () => {
  const { err } = await handled((req, res) => {
    res.send(486);
    return res.send(200);
  });
  assert.equal(err.code, 'DRT_ERR_FINAL_ALREADY_SENT');
});

test('send: then, catch and finally are those of a promise, and may be called again', async () => {
  const { value } = await handled(async (req, res) => {
    const sent = res.send(200);
    const seen = [];
    await sent.then((message) => seen.push(message.status));
    await sent.catch(() => seen.push('never')).then((message) => seen.push(message.status));
    await sent.finally(() => seen.push('finally'));
    return [...seen, String(sent)];
  });
  assert.deepEqual(value, [200, 200, 'finally', '[object Promise]']);
});

test('send: who asks in a later turn is told that it is too late', async () => {
  const { err } = await handled(async (req, res) => {
    const sent = res.send(200);
    await turns();
    await sent;
  });
  assert.deepEqual([err.name, err.code], ['TypeError', 'DRT_ERR_AWAITED_TOO_LATE']);
});

test('send: with headers that the engine checks, a later turn is early enough', async () => {
  const { value } = await handled(async (req, res) => {
    const sent = res.send(200, { headers: { Contact: '<sip:a@b>' } });
    await turns();
    return sent;
  });
  assert.equal(value.status, 200);
});

test('an async handler that returns what send returns is told how it went', async (t) => {
  const errors = t.mock.method(console, 'error', () => {});
  const { engine } = await connected((app) => app.options(async (req, res) => await res.send(200)));
  engine.onCommand = (command) => setImmediate(() => engine.refuse(command, 'gone'));
  engine.receive(request('OPTIONS'));
  await turns(6);
  assert.equal(errors.mock.callCount(), 1);
  assert.equal(engine.commands.length, 1);
});

/** A request that was sent. */
async function sent(method = 'INVITE') {
  const { app, engine } = await connected();
  const sending = app.request({ uri: 'sip:bob@10.0.0.9', method });
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T1' }, request(method));
  return { app, engine, req: await sending };
}

test('cancel: the CANCEL as it was sent', async () => {
  const { engine, req } = await sent();
  const cancelling = req.cancel({ headers: { Reason: 'SIP;cause=200' } });
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T2' }, request('CANCEL'));
  assert.equal((await cancelling).method, 'CANCEL');
  const refused = req.cancel();
  await turns();
  engine.refuse(engine.drain()[0], 'too late', 'DRT_ERR_CANCEL');
  await assert.rejects(refused, { code: 'DRT_ERR_CANCEL' });
});

test('ack: the ACK as it was sent; nothing when there is nothing to acknowledge', async () => {
  const { engine, req } = await sent();
  const heard = [];
  req.on('response', (res, ack) => heard.push([res, ack]));
  engine.receive(response(180, 'Ringing'), { txn: 'T1' });
  engine.receive(response(200, 'OK'), { txn: 'T1', dialog: 'D1' });
  assert.equal(await heard[0][1](), undefined);
  assert.equal(await heard[0][0].ack(), undefined);
  for (const acknowledge of [heard[1][1], (options) => heard[1][0].ack(options)]) {
    const acking = acknowledge({ body: 'v=0' });
    await turns();
    const [command] = engine.drain();
    assert.deepEqual([startLine(command), command.head], ['ACK sip:bob@127.0.0.1 SIP/2.0', '||D1']);
    engine.accept(command, { txn: 'T3' }, request('ACK'));
    assert.equal((await acking).method, 'ACK');
  }
});

test('ack: a failure is acknowledged by the engine, and who has a callback is told so', async () => {
  const { engine, req } = await sent();
  let busy;
  req.on('response', (res) => {
    busy = res;
  });
  engine.receive(response(486, 'Busy Here'), { txn: 'T1', dialog: 'D1' });
  assert.equal(await busy.ack(), undefined);
  await turns();
  assert.deepEqual(engine.drain(), []);
  const told = [];
  busy.ack((err) => told.push(err.code));
  await turns();
  engine.refuse(engine.drain()[0], 'ACK for non-success', 'DRT_ERR_ACK_NOT_NEEDED');
  assert.deepEqual(told, ['DRT_ERR_ACK_NOT_NEEDED']);
});
