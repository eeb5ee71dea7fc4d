'use strict';
// Ending an application.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connected, request, startLine, turns, drachtio, FakeEngine } = require('./support/harness');

test('disconnect before connect does nothing', async () => {
  assert.equal(await drachtio().disconnect(), undefined);
});

test('disconnect closes the engine; a second time changes nothing', async () => {
  const { app, engine } = await connected();
  const closed = once(app, 'close');
  await Promise.all([app.disconnect(), app.disconnect()]);
  assert.equal(engine.closed, true);
  assert.deepEqual(await closed, []);
  await app.disconnect();
  assert.equal(app.idle, true);
});

test('disconnect while the engine starts waits for it', async (t) => {
  let start;
  t.mock.method(FakeEngine, 'outcome', () => new Promise((resolve) => {
    start = () => resolve({ hostports: ['udp/127.0.0.1:5060'] });
  }));
  const app = drachtio().connect();
  const done = app.disconnect();
  await turns();
  assert.equal(FakeEngine.last.closed, false);
  start();
  await done;
  assert.equal(FakeEngine.last.closed, true);
});

test('what was sent in the same turn still goes to the engine', async () => {
  const { app, engine } = await connected((a) => a.options((req, res) => res.send(200)));
  engine.receive(request('OPTIONS'));
  await app.disconnect();
  assert.deepEqual(engine.commands.map(startLine), ['SIP/2.0 200 OK']);
});

test('callbacks that still wait are told', async () => {
  const { app, engine } = await connected();
  const told = new Promise((resolve) => {
    app.request('sip:a@b.example', { method: 'OPTIONS' }, resolve);
  });
  await turns();
  assert.equal(engine.commands.length, 1);
  await app.disconnect();
  assert.equal((await told).code, 'DRT_ERR_DISCONNECTED');
});

test('what needs an engine is an error afterwards, which names it', async () => {
  const { app } = await connected();
  await app.disconnect();
  assert.throws(() => app.setScreening({}), { code: 'DRT_ERR_NOT_CONNECTED', message: 'cannot call app#setScreening in unconnected state' });
  await assert.rejects(app.metrics(), { code: 'DRT_ERR_NOT_CONNECTED', message: 'cannot call app#metrics in unconnected state' });
  await assert.rejects(app.reloadTls(), { code: 'DRT_ERR_NOT_CONNECTED', message: 'cannot call app#reloadTls in unconnected state' });
});

test('an application can be connected again, and asks for the same methods', async () => {
  const { app } = await connected((a) => a.invite(() => {}));
  await app.disconnect();
  assert.throws(() => app.request('sip:a@b.example', { method: 'OPTIONS' }), { message: 'cannot call app#request in unconnected state' });
  app.connect();
  await once(app, 'connect');
  assert.deepEqual(FakeEngine.last.started.routes, ['invite']);
});
