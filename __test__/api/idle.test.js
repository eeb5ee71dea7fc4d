'use strict';
// `app.idle`: whether nothing is awaited.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, drachtio, request, response, turns } = require('./support/harness');

test('there is no answer before connect', () => {
  assert.equal(drachtio().idle, undefined);
});

test('a request that was sent is awaited until its final response', async () => {
  const { app, engine } = await connected();
  assert.equal(app.idle, true);
  app.request('sip:a@b.example', { method: 'INVITE' }, () => {});
  assert.equal(app.idle, false);
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T1' }, request('INVITE'));
  assert.equal(app.idle, false);
  engine.receive(response(180, 'Ringing'), { txn: 'T1' });
  assert.equal(app.idle, false);
  engine.receive(response(486, 'Busy Here'), { txn: 'T1' });
  assert.equal(app.idle, true);
});

test('an INVITE that came and is not answered does not count, its response does', async () => {
  let answer;
  const { app, engine } = await connected((a) => a.invite((req, res) => {
    answer = () => res.send(200, { headers: { Contact: '<sip:x@127.0.0.1>' } });
  }));
  engine.receive(request('INVITE'));
  assert.equal(app.idle, true);
  answer();
  assert.equal(app.idle, false);
  await turns();
  engine.accept(engine.drain()[0], { dialog: 'D' });
  assert.equal(app.idle, true);
});

test('a method that is asked for after connect is awaited until the engine has taken note', async () => {
  const { app, engine } = await connected();
  app.options(() => {});
  assert.equal(app.idle, false);
  await turns();
  engine.finish(engine.drain()[0]);
  assert.equal(app.idle, true);
});

test('a response that nobody asks about counts until it has been handed over', async () => {
  const { app, engine } = await connected((a) => a.options((req, res) => res.send(200)));
  engine.receive(request('OPTIONS'));
  assert.equal(app.idle, false);
  await turns();
  assert.equal(engine.drain().length, 1);
  assert.equal(app.idle, true);
});
