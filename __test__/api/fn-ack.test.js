'use strict';
// The function given to `send` that is called when the response is acknowledged.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, drachtio, request, response, turns } = require('./support/harness');

/** An INVITE that is answered by `answer(res, note)`; `order` says what happened. */
async function answered(answer) {
  const order = [];
  const { app, engine } = await connected((a) => {
    a.invite((req, res) => answer(res, order));
    a.use('ack', () => order.push('middleware'));
    a.use('prack', (req, res) => {
      order.push('middleware');
      res.send(200);
    });
  });
  engine.receive(request('INVITE'));
  await turns();
  return { app, engine, order, commands: engine.drain() };
}

test('the ACK of a 2xx calls it once, before the handlers see the ACK', async () => {
  const { app, engine, order, commands } = await answered((res, o) => res.send(200, {}, undefined, (req) => {
    assert.ok(req instanceof drachtio.Request);
    o.push(req.method);
  }));
  engine.accept(commands[0], { dialog: 'D1' }, response(200, 'OK'));
  assert.equal(app.idle, false);
  engine.receive(request('ACK'), { dialog: 'another' });
  assert.deepEqual(order.splice(0), ['middleware']);
  engine.receive(request('ACK'), { dialog: 'D1' });
  engine.receive(request('ACK'), { dialog: 'D1' });
  assert.deepEqual(order, ['ACK', 'middleware', 'middleware']);
  assert.equal(app.idle, true);
});

test('the PRACK of a reliable provisional response calls it, and the ACK that of the final one', async () => {
  const { engine, order, commands } = await answered((res, o) => {
    res.send(183, {}, undefined, () => o.push('PRACK 7'));
    res.send(183, {}, undefined, () => o.push('PRACK 8'));
    res.send(200, {}, undefined, () => o.push('ACK'));
  });
  for (const [at, rseq] of [7, 8].entries()) {
    engine.accept(commands[at], { dialog: 'D1' }, response(183, 'Session Progress', { headers: { RSeq: rseq } }));
  }
  engine.accept(commands[2], { dialog: 'D1' }, response(200, 'OK'));
  engine.receive(request('PRACK', { headers: { RAck: '8 1 INVITE' } }), { dialog: 'D1', txn: 'T2' });
  engine.receive(request('PRACK', { headers: { RAck: '7 1 INVITE' } }), { dialog: 'D1', txn: 'T3' });
  engine.receive(request('ACK'), { dialog: 'D1' });
  assert.deepEqual(order.filter((what) => what !== 'middleware'), ['PRACK 8', 'PRACK 7', 'ACK']);
});

test('a response that is not acknowledged is not waited for', async () => {
  const { app, engine, commands } = await answered((res) => {
    res.send(180, {}, undefined, assert.fail);
    res.send(486, {}, undefined, assert.fail);
  });
  engine.accept(commands[0], { dialog: 'D1' }, response(180, 'Ringing'));
  engine.accept(commands[1], { dialog: 'D1' }, response(486, 'Busy Here'));
  assert.equal(app.idle, true);
});

test('a response that was refused is not waited for', async () => {
  const { app, engine, commands } = await answered((res) => res.send(200, {}, undefined, assert.fail));
  engine.refuse(commands[0], 'no');
  assert.equal(app.idle, true);
});

test('a dialog that ends without the ACK is not waited for', async () => {
  for (const meta of [{ txn: 'T9', dialog: 'D1' }, { txn: 'unsolicited', source: 'application', dialog: 'D1' }]) {
    const { app, engine, commands } = await answered((res) => res.send(200, {}, undefined, assert.fail));
    engine.accept(commands[0], { dialog: 'D1' }, response(200, 'OK'));
    assert.equal(app.idle, false);
    engine.receive(request('BYE'), meta);
    await turns();
    for (const command of engine.drain()) engine.accept(command);
    assert.equal(app.idle, true);
  }
});
