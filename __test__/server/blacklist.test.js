'use strict';
// A blacklist in redis is read, read again, and kept while redis cannot be asked.

const test = require('node:test');
const assert = require('node:assert/strict');
const drachtio = require('../..');
const { redis } = require('./support/redis');
const { peer } = require('./support/sip');

const TIME = { timeout: 30_000 };
const PASSWORD = 'hush-hush';

/** A server with that blacklist, and the lines that it logs. */
async function serverWith(t, store, more = {}) {
  const server = await drachtio.serve({
    contact: 'sip:127.0.0.1:0',
    admin: { host: '127.0.0.1', port: false },
    blacklist: { key: 'bad', host: '127.0.0.1', port: store.port, refreshInterval: 1_000, ...more },
  });
  t.after(() => server.close());
  return server;
}

/** Sends requests until they are answered, or are no longer; each gets a moment. */
async function until(caller, sip, isAnswered) {
  for (;;) {
    caller.heard.length = 0;
    caller.send(sip, 'OPTIONS');
    const answered = await Promise.race([caller.answer().then(() => true), new Promise((resolve) => setTimeout(() => resolve(false), 300))]);
    if (answered === isAnswered) return;
  }
}

test('who is in the set is not answered, and who leaves it is again', TIME, async (t) => {
  const store = await redis(t);
  const server = await serverWith(t, store);
  const sip = server.hostports[0].split('/')[1];
  const caller = await peer(t);
  await until(caller, sip, true);
  store.members = ['127.0.0.1', 'nonsense'];
  await until(caller, sip, false);
  assert.ok(server.counters().screened > 0);
  // While redis is away, what it has said last stays.
  store.isOpen = false;
  await until(caller, sip, false);
  store.isOpen = true;
  store.members = [];
  await until(caller, sip, true);
});

test('an address of IPv4 may be written as one of IPv6', TIME, async (t) => {
  const store = await redis(t);
  store.members = ['::ffff:127.0.0.1'];
  const server = await serverWith(t, store);
  await until(await peer(t), server.hostports[0].split('/')[1], false);
});

test('the password is used', TIME, async (t) => {
  const store = await redis(t, { password: PASSWORD });
  store.members = ['127.0.0.1'];
  const server = await serverWith(t, store, { password: PASSWORD });
  const caller = await peer(t);
  await until(caller, server.hostports[0].split('/')[1], false);
  assert.ok(store.asked > 0);
});
