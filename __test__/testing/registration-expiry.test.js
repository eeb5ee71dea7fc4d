'use strict';
// A registrar whose bindings end by a timer of its own.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { stage } = require('./stage');

/** What an application does with setTimeout and Date. */
function registrar(app) {
  const bindings = new Map();
  app.register((req, res) => {
    const [contact] = req.getParsedHeader('contact');
    const expires = Number(req.get('expires'));
    clearTimeout(bindings.get(contact.uri)?.timer);
    const timer = setTimeout(() => bindings.delete(contact.uri), expires * 1_000);
    bindings.set(contact.uri, { timer, until: Date.now() + expires * 1_000 });
    res.send(200, { headers: { Contact: `<${contact.uri}>;expires=${expires}` } });
  });
  app.invite((req, res) => {
    const [uri] = bindings.keys();
    if (uri === undefined) return res.send(480);
    return req.proxy({ destination: uri });
  });
  return bindings;
}

test('a registration expires after an hour, and not before', async (t) => {
  let bindings;
  const { world } = await stage(t, (app) => (bindings = registrar(app)), { world: { timers: true } });
  const [alice, bob] = ['alice@192.0.2.8', 'bob@192.0.2.9'].map((name) => world.peer(`sip:${name}`));
  bob.request('REGISTER', 'sip:192.0.2.1', { headers: { Expires: 3600 } });
  await bob.receives(200);
  assert.equal(bindings.get('sip:bob@192.0.2.9').until, Date.now() + 3_600_000);

  await world.advance(3_599_999);
  alice.request('INVITE', 'sip:bob@192.0.2.1');
  bob.answer(await bob.receives('INVITE'), 486);
  await alice.receives(486);

  await world.advance(1);
  alice.request('INVITE', 'sip:bob@192.0.2.1');
  await alice.receives(480);
  assert.equal(world.now, 3_600_000);
});

test('one that is refreshed goes on', async (t) => {
  let bindings;
  const { world } = await stage(t, (app) => (bindings = registrar(app)), { world: { timers: true } });
  const bob = world.peer('sip:bob@192.0.2.9');
  for (let count = 1; count <= 24; count++) {
    bob.request('REGISTER', 'sip:192.0.2.1', { headers: { Expires: 3600 } });
    await bob.receives(200);
    await world.advance('30m');
    assert.equal(bindings.size, 1, `${count}`);
  }
  await world.advance('30m');
  assert.equal(bindings.size, 0);
});
