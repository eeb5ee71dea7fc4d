'use strict';
// Requests that the engine has answered in place of the application.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, drachtio, request, response, turns } = require('./support/harness');

const SILENCE = 'the application did not answer in time: the request was answered 503';

/** An application with requests that it does not answer, and how the engine says that it did. */
async function silent(methods, handler = () => {}) {
  const got = [];
  const { app, engine } = await connected((a) => a.use((req, res) => {
    got.push({ req, res });
    handler(req, res);
  }));
  methods.forEach((method, at) => engine.receive(request(method), { txn: `T${at}` }));
  const answerFor = (txn, code = 'DRT_ERR_NOT_ANSWERED', text = SILENCE) => engine.post(6, 0, `${txn}|503|${code}|${text}`, '').ring();
  return { app, engine, got, answerFor };
}

test('the request emits refused, with code and status', async () => {
  for (const method of ['INVITE', 'OPTIONS']) {
    const { got: [{ req, res }], answerFor } = await silent([method]);
    const told = [];
    req.on('refused', (err) => told.push(err));
    answerFor('T0');
    assert.equal(told.length, 1);
    assert.ok(told[0] instanceof drachtio.DrachtioError);
    assert.deepEqual([told[0].code, told[0].status, told[0].message], ['DRT_ERR_NOT_ANSWERED', 503, SILENCE]);
    assert.equal(res.finalResponseSent, true);
    answerFor('T0');
    assert.equal(told.length, 1);
  }
});

test('the text of the reason may have any characters', async () => {
  const { got: [{ req }], answerFor } = await silent(['INVITE']);
  let told;
  req.on('refused', (err) => {
    told = err;
  });
  answerFor('T0', 'DRT_ERR_BAD_EXTENSION', 'a|b');
  assert.equal(told.message, 'a|b');
});

test('who listens late is told as well', async () => {
  const { got: [{ req }], answerFor } = await silent(['OPTIONS']);
  answerFor('T0');
  const err = await new Promise((resolve) => {
    req.on('refused', resolve);
  });
  assert.equal(err.status, 503);
});

test('a response that comes too late is not sent, and the callback gets the reason', async () => {
  const { engine, got: [{ res }], answerFor } = await silent(['OPTIONS']);
  answerFor('T0');
  const err = await new Promise((resolve) => {
    res.send(200, resolve);
  });
  assert.equal(err.code, 'DRT_ERR_NOT_ANSWERED');
  res.send(200);
  await turns();
  assert.deepEqual(engine.commands.filter(({ kind }) => kind === 3), []);
});

test('only the request that is meant is told', async () => {
  const { got, answerFor } = await silent(['OPTIONS', 'OPTIONS']);
  const told = [];
  for (const { req } of got) req.on('refused', () => told.push(req.stackTxnId));
  answerFor('T1');
  answerFor('T7');
  assert.deepEqual(told, ['T1']);
});

test('a request that has been answered is not told', async () => {
  const { got: [{ req }], answerFor } = await silent(['INVITE'], (_req, res) => res.send(486));
  req.on('refused', assert.fail);
  answerFor('T0');
  await turns();
});

test('a request that was sent from here is none of these', async () => {
  const { app, engine, answerFor } = await silent([]);
  let req;
  app.request({ uri: 'sip:bob@10.0.0.9', method: 'OPTIONS' }, (err, sent) => {
    req = sent;
  });
  await turns();
  engine.accept(engine.drain().at(-1), { txn: 'T9' }, request('OPTIONS'));
  req.on('refused', assert.fail);
  const statuses = [];
  req.on('response', (res) => statuses.push(res.status));
  answerFor('T9');
  engine.receive(response(200, 'OK', { method: 'OPTIONS' }), { txn: 'T9' });
  assert.deepEqual(statuses, [200]);
});
