'use strict';
// Who awaits something goes on before what has come after it is told, as a callback would have: also when it came in one batch.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, frameOf, request, response, turns } = require('./support/harness');

const dialog = 'cid-1;from-tag=a1';

/** Adds what tells that a command was carried out. */
function postAccepted(engine, { id, text }, meta) {
  engine.post(2, id, ...frameOf(text, { source: 'application', ...meta }));
}

test('a call that has been answered is known before a BYE that came with the ACK', async () => {
  const order = [];
  const { engine } = await connected((app) => {
    app.invite(async (req, res) => {
      await res.send(200);
      order.push(`answered ${res.stackDialogId}`);
    });
    app.use(['ack', 'bye'], (req) => order.push(req.method));
  });
  engine.receive(request('INVITE'));
  await turns();
  postAccepted(engine, engine.commands[0], { dialog });
  for (const method of ['ACK', 'BYE']) engine.post(1, 0, ...frameOf(request(method), { txn: method, dialog }));
  engine.ring();
  await turns();
  assert.deepEqual(order, [`answered ${dialog}`, 'ACK', 'BYE']);
});

test('a loop over responses has taken each before the next event', async () => {
  const order = [];
  const { app, engine } = await connected((a) => a.bye((req) => order.push(req.method)));
  const call = async () => {
    const req = await app.request('sip:bob@10.0.0.9', { method: 'INVITE' });
    for await (const res of req.responses()) {
      order.push(res.status);
      await null;
      order.push(`${res.status} taken`);
    }
    order.push('over');
  };
  const over = call();
  await turns();
  postAccepted(engine, engine.commands[0], { txn: 'C1' });
  engine.post(1, 0, ...frameOf(response(180, 'Ringing'), { txn: 'C1', dialog }));
  engine.post(1, 0, ...frameOf(response(200, 'OK'), { txn: 'C1', dialog }));
  engine.post(1, 0, ...frameOf(request('BYE'), { txn: 'B1', dialog }));
  engine.ring();
  await over;
  await turns();
  assert.deepEqual(order, [180, '180 taken', 200, '200 taken', 'over', 'BYE']);
});

test('what has come before the end is told before the end, and nothing is told twice', async () => {
  const order = [];
  const { app, engine } = await connected((a) => {
    a.message(async (req, res) => {
      await res.send(200).then(() => order.push(`${req.body} sent`), (err) => order.push(`${req.body} ${err.code}`));
    });
    a.info((req) => order.push(req.method));
  });
  for (const body of ['one', 'two']) engine.receive(request('MESSAGE', { body }), { txn: body });
  await turns();
  for (const command of engine.commands) postAccepted(engine, command, { txn: command.head.split('|')[0] });
  engine.post(1, 0, ...frameOf(request('INFO'), { txn: 'I1' }));
  await app.disconnect();
  assert.deepEqual(order, ['one sent', 'two sent', 'INFO']);
});
