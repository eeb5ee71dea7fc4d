'use strict';
// Crossing to the engine and back: in batches, and without losing anything.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, request, frameOf, startLine, turns } = require('./support/harness');

test('the commands of one turn of the event loop go over in one call, in their order', async () => {
  const { engine } = await connected((app) => app.use(async (req, res) => {
    res.send(100);
    await null;
    res.send(200);
  }));
  for (const txn of ['T1', 'T2', 'T3']) engine.post(1, 0, ...frameOf(request('MESSAGE'), { txn }));
  engine.ring();
  assert.equal(engine.submissions, 0);
  await turns();
  assert.equal(engine.submissions, 1);
  assert.deepEqual(engine.commands.map((command) => `${command.head} ${startLine(command)}`), [
    ...['T1', 'T2', 'T3'].map((txn) => `${txn}|| SIP/2.0 100 Trying`),
    ...['T1', 'T2', 'T3'].map((txn) => `${txn}|| SIP/2.0 200 OK`),
  ]);
});

test('events are taken until there are none, a batch in each turn: commands go over and timers run in between', async () => {
  const { engine } = await connected((app) => app.use((req, res) => {
    order.push('request');
    res.send(200);
  }));
  const order = [];
  engine.onCommand = () => order.push('command');
  let comesMore = true;
  const take = engine.take.bind(engine);
  engine.take = () => {
    if (comesMore) engine.post(1, 0, ...frameOf(request('MESSAGE'), { txn: `T${order.length}` }));
    return take();
  };
  engine.ring();
  assert.deepEqual(order, ['request']);
  await new Promise((resolve) => setTimeout(resolve, 5));
  comesMore = false;
  await turns();
  assert.ok(order.length > 2);
  assert.ok(order.every((what, i) => what === (i % 2 ? 'command' : 'request')), order.join());
});

test('each command has a number of its own', async () => {
  const { app, engine } = await connected();
  for (let i = 0; i < 100; i++) app.request('sip:a@b.example', { method: 'OPTIONS' }, () => {});
  await turns();
  const ids = engine.commands.map(({ id }) => id);
  assert.equal(new Set(ids).size, 100);
  assert.ok(ids.every((id) => Number.isInteger(id) && id > 0));
});

test('a response that cannot be refused for its headers, and of which nobody wants to hear, has no number', async () => {
  const { app, engine } = await connected((a) => a.use((req, res) => {
    res.send(180);
    res.send(180, () => {});
    res.send(180, { headers: { 'X-A': 1 } });
    res.send(180, { headers: { m: '<sip:a@b>' } });
    res.send(200, {}, undefined, () => {});
  }));
  engine.receive(request('INVITE'));
  await turns();
  const commands = engine.drain();
  assert.deepEqual(commands.map(({ id }) => id === 0), [true, false, true, false, false]);
  for (const command of commands.filter(({ id }) => id !== 0)) engine.refuse(command, 'no');
  assert.equal(app.idle, true);
});

test('an answer that nobody waits for does no harm', async () => {
  const { app, engine } = await connected();
  engine.finish({ id: 4711 });
  engine.refuse({ id: 4711 }, 'no');
  engine.accept({ id: 4711, text: 'SIP/2.0 200 OK\r\n\r\n' });
  assert.equal(app.idle, true);
});

test('an engine that fails is an error event, and everything that waits is told', async () => {
  for (const fail of [(engine) => engine.ring(), (engine, app) => app.request('sip:a@b.example', { method: 'OPTIONS' }, () => {})]) {
    const { app, engine } = await connected();
    const told = [];
    app.on('error', (err) => told.push(['event', err.message]));
    app.request('sip:a@b.example', { method: 'OPTIONS' }, (err) => told.push(['callback', err.message]));
    await turns();
    engine.failure = new Error('the engine has died');
    fail(engine, app);
    await turns();
    assert.deepEqual(told, [['callback', 'the engine has died'], ['event', 'the engine has died']]);
    assert.equal(app.idle, true);
    engine.ring();
    await app.disconnect();
    assert.equal(told.length, 2);
  }
});

test('counters are those of the engine', async () => {
  const { app } = await connected();
  assert.deepEqual(app.client.counters(), { failovers: 0 });
  await app.disconnect();
  assert.deepEqual(app.client.counters(), {});
});

test('census is that of the engine', async () => {
  const { app } = await connected();
  assert.deepEqual(app.client.census(), { dialogs: 0 });
  await app.disconnect();
  assert.deepEqual(app.client.census(), {});
});
