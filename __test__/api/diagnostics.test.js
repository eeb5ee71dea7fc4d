'use strict';
// What can be watched through node:diagnostics_channel.

const test = require('node:test');
const assert = require('node:assert/strict');
const { subscribe, unsubscribe } = require('node:diagnostics_channel');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { connected, request, response, turns } = require('./support/harness');
const { CHANNELS } = require('../../lib/channels');

const names = Object.values(CHANNELS).map(({ name }) => name);

/** Subscribes to every channel until the test ends. */
function watch(t) {
  const seen = [];
  for (const name of names) {
    const listener = (message) => seen.push([name, message, message.status ?? message.res?.status]);
    subscribe(name, listener);
    t.after(() => unsubscribe(name, listener));
  }
  return seen;
}

test('each step of a request is told', async (t) => {
  const seen = watch(t);
  t.mock.method(console, 'error', () => {});
  const { app, engine } = await connected((a) => a.options((req, res) => res.send(200)).info(() => {
    throw new Error('oops');
  }));
  engine.receive(request('OPTIONS'));
  engine.receive(request('INFO'));
  const sending = app.request({ uri: 'sip:a@b', method: 'MESSAGE' });
  await turns();
  engine.accept(engine.drain().at(-1), { txn: 'T1' }, request('MESSAGE'));
  engine.receive(response(202, 'Accepted', { method: 'MESSAGE' }), { txn: 'T1' });
  await app.disconnect();

  assert.deepEqual(seen.map(([name, { req, err }, status]) => [name, req?.method, status, err?.message].filter((part) => part !== undefined)), [
    ['drachtio:connected'],
    ['drachtio:request:received', 'OPTIONS'],
    ['drachtio:response:sent', 'OPTIONS', 200],
    ['drachtio:request:received', 'INFO'],
    ['drachtio:handler:failed', 'INFO', 'oops'],
    ['drachtio:response:sent', 'INFO', 500],
    ['drachtio:request:sent', 'MESSAGE'],
    ['drachtio:response:received', 'MESSAGE', 202],
    ['drachtio:disconnected'],
  ]);
  for (const [name, { agent }] of seen) assert.equal(agent, app.client, name);
  assert.match(seen[0][1].hostport, /^udp\/127/);
  await sending;
});

test('an engine that fails is told with its error', async (t) => {
  const { app, engine } = await connected();
  const seen = watch(t);
  app.on('error', () => {});
  engine.failure = new Error('gone');
  engine.ring();
  assert.deepEqual(seen.map(([name, { err }]) => [name, err.message]), [['drachtio:disconnected', 'gone']]);
});

test('each channel is documented', () => {
  const text = readFileSync(join(__dirname, '../../docs/diagnostics.md'), 'utf8');
  assert.deepEqual([...text.matchAll(/^\| `(drachtio:[^`]+)`/gm)].map(([, name]) => name).sort(), [...names].sort());
});
