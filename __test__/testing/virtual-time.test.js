'use strict';
// How time passes: only while the test waits for it, and only when everybody has done what is to be done now.

const assert = require('node:assert/strict');
const { readFile } = require('node:fs/promises');
const { mock, test } = require('node:test');
const { stage } = require('./stage');

test('time stands still while nobody waits for it', async (t) => {
  const { world, app } = await stage(t);
  const req = await app.request({ uri: 'sip:bob@192.0.2.9', method: 'OPTIONS' });
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(world.now, 0);
  assert.equal(world.sent.length, 1);
  assert.equal(req.method, 'OPTIONS');
});

test('what needs no time happens without being waited for', async (t) => {
  const { world, app } = await stage(t);
  const bob = world.peer('sip:bob@192.0.2.9');
  const req = await app.request({ uri: bob.uri, method: 'INVITE' });
  const heard = [];
  bob.answer(await bob.receives('INVITE'), 486);
  for await (const res of req.responses()) heard.push(res.status);
  assert.deepEqual([heard, world.now], [[486], 0]);
});

test('to wait for a message lets the time pass until it comes', async (t) => {
  const { world, app } = await stage(t);
  const bob = world.peer('sip:bob@192.0.2.9');
  await app.request({ uri: bob.uri, method: 'OPTIONS' });
  for (const time of [0, 500, 1_500, 3_500, 7_500]) {
    await bob.receives('OPTIONS');
    assert.equal(world.now, time);
  }
  await assert.rejects(bob.receives('BYE', { patience: '100ms' }), { code: 'DRT_ERR_NOT_RECEIVED', message: 'BYE has not been received within 100 ms, but nothing' });
  assert.equal(world.now, 7_600);
});

test('several wait at once', async (t) => {
  const { world, app } = await stage(t);
  const bob = world.peer('sip:bob@192.0.2.9');
  const order = [];
  const advanced = world.advance('2s').then(() => order.push(['2s', world.now]));
  const received = bob.receives('OPTIONS').then(() => bob.receives('OPTIONS')).then(() => order.push(['repeated', world.now]));
  await app.request({ uri: bob.uri, method: 'OPTIONS' });
  await Promise.all([advanced, received, world.advance('1s').then(() => order.push(['1s', world.now]))]);
  assert.deepEqual(order, [['repeated', 500], ['1s', 1_000], ['2s', 2_000]]);
});

test('time does not pass before an async handler has done what it can', async (t) => {
  const { world } = await stage(t, (app) => {
    app.use(async (req, res, next) => {
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      await next();
    });
    app.options(async (req, res) => {
      for (let tick = 0; tick < 1_000; tick++) await undefined;
      await res.send(200);
    });
  });
  const alice = world.peer('sip:alice@192.0.2.8');
  alice.request('OPTIONS', 'sip:192.0.2.1');
  await world.advance('1h');
  assert.deepEqual(world.sent.map(({ time }) => time), [0, 0]);
});

test('time stands still for what the test says', async (t) => {
  const files = [];
  const { world } = await stage(t, (app) =>
    app.options(async (req, res) => {
      files.push(await world.hold(readFile(__filename, 'utf8')));
      await assert.rejects(world.hold(readFile(`${__filename}.not`)), { code: 'ENOENT' });
      res.send(200);
    }),
  );
  const alice = world.peer('sip:alice@192.0.2.8');
  alice.request('OPTIONS', 'sip:192.0.2.1');
  await world.advance('1h');
  assert.deepEqual(world.sent.map(({ time }) => time), [0, 0]);
  assert.equal(files.length, 1);
});

test('an application is told the virtual time of day of what it gets', async (t) => {
  const times = [];
  const { world } = await stage(t, (app) => {
    app.invite((req, res) => {
      times.push(req.meta.time);
      res.send(486);
    });
    app.on('cdr:stop', (source, time, reason) => times.push(`${time} ${reason}`));
  });
  const alice = world.peer('sip:alice@192.0.2.8');
  await world.advance('1h');
  alice.request('INVITE', 'sip:192.0.2.1');
  await alice.receives(486);
  await world.advance('40s');
  assert.deepEqual(times, ['01:00:00.000000', '01:00:00.000000 call-rejected']);
});

test('what happens at the very end of a time has happened', async (t) => {
  const { world, app } = await stage(t);
  const statuses = [];
  for (const seconds of [31, 32]) {
    const req = await app.request({ uri: 'sip:bob@192.0.2.9', method: 'OPTIONS' });
    req.on('response', (res) => statuses.push(`${seconds} ${res.status}`));
    await world.advance(`${seconds}s`);
  }
  // The first one, whose time was over while the second one went on, and the second one.
  assert.deepEqual(statuses, ['31 408', '32 408']);
});

test('times are texts or milliseconds', async (t) => {
  const { world } = await stage(t);
  for (const [time, now] of [['1.5s', 1_500], ['500ms', 2_000], ['1m', 62_000], ['2h', 7_262_000], [0, 7_262_000], [38, 7_262_038]]) {
    await world.advance(time);
    assert.equal(world.now, now);
  }
  for (const time of [-1, NaN, Infinity, '1d', '', '5', undefined, null, {}]) {
    await assert.rejects(world.advance(time), { code: 'DRT_ERR_INVALID_ARGUMENT' }, String(time));
  }
});

test('the mock timers of node:test go with it, in steps', async (t) => {
  mock.timers.enable();
  t.after(() => mock.timers.reset());
  const { world, app } = await stage(t, (a) => a.options((req, res) => void setTimeout(() => res.send(200), 10_000)));
  const alice = world.peer('sip:alice@192.0.2.8');
  // What needs no time does not wait for them.
  await app.request({ uri: alice.uri, method: 'MESSAGE' });
  alice.answer(await alice.receives('MESSAGE'), 200);
  alice.request('OPTIONS', 'sip:192.0.2.1');
  for (let second = 0; second < 10; second++) {
    await world.advance('1s');
    mock.timers.tick(1_000);
  }
  await alice.receives(200);
  assert.equal(world.now, 10_000);
});
