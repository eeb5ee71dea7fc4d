'use strict';
// Telephones in a browser call each other over WebSockets (RFC 7118), through an application that is their registrar and proxy.

const assert = require('node:assert/strict');
const { ask } = require('./agent');
const { browserTest } = require('./browser');
const { waitFor } = require('./peer');

for (const transport of ['ws', 'wss']) {
  browserTest(`${transport}: calls and is called: sound flows both ways, the caller hangs up`, async (browser, exchange) => {
    const { alice, bob } = await twoPhones(browser, exchange, transport);
    await call(alice, bob, exchange);
    for (const phone of [alice, bob]) await waitFor('sound', () => phone.tell('heard'));
    await alice.tell('hangUp');
    await Promise.all([alice.event('terminated'), bob.event('terminated')]);
    assert.equal(exchange.ended[0].finalStatus, 200);
  });

  browserTest(`${transport}: the callee sends a re-INVITE, and hangs up`, async (browser, exchange) => {
    const { alice, bob } = await twoPhones(browser, exchange, transport);
    await call(alice, bob, exchange);
    assert.equal(await bob.tell('reinvite'), 200);
    await bob.tell('hangUp');
    await Promise.all([alice.event('terminated'), bob.event('terminated')]);
  });

  browserTest(`${transport}: the caller gives up`, async (browser, exchange) => {
    const { alice, bob } = await twoPhones(browser, exchange, transport, { answers: false });
    await alice.tell('call', uri('bob', exchange));
    await Promise.all([alice.event('progress 180'), bob.event('incoming')]);
    await alice.tell('hangUp');
    await Promise.all([alice.event('rejected 487'), bob.event('terminated')]);
  });

  browserTest(`${transport}: the callee declines`, async (browser, exchange) => {
    const { alice, bob } = await twoPhones(browser, exchange, transport, { answers: false });
    await alice.tell('call', uri('bob', exchange));
    await bob.event('incoming');
    await bob.tell('hangUp');
    await alice.event('rejected 480');
  });

  browserTest(`${transport}: is called over its new connection when the first was cut`, async (browser, exchange) => {
    const { alice, bob } = await twoPhones(browser, exchange, transport);
    bob.cut();
    await bob.event('registered again 200');
    await call(alice, bob, exchange);
    await alice.tell('hangUp');
    await bob.event('terminated');
  });

  for (const who of ['caller', 'callee']) {
    browserTest(`${transport}: a call survives the cut: the ${who}'s BYE takes the new connections`, async (browser, exchange) => {
      const { alice, bob } = await twoPhones(browser, exchange, transport);
      await call(alice, bob, exchange);
      for (const phone of [alice, bob]) phone.cut();
      for (const phone of [alice, bob]) await phone.event('registered again 200');
      await (who === 'caller' ? alice : bob).tell('hangUp');
      await Promise.all([alice.event('terminated'), bob.event('terminated')]);
    });
  }

  browserTest(`${transport}: gets a request of the application itself`, async (browser, exchange) => {
    const { bob } = await twoPhones(browser, exchange, transport);
    const [contact] = exchange.bindings.get('bob').keys();
    const headers = { 'Content-Type': 'text/plain' };
    const { res } = await ask(exchange.app, { method: 'MESSAGE', uri: contact, headers, body: 'hello' });
    assert.equal(res.status, 200);
    await bob.event('message hello');
  });
}

browserTest('from ws to wss', async (browser, exchange) => {
  const [alice, bob] = await Promise.all(['ws', 'wss'].map((transport, i) => phone(browser, exchange, transport, { user: ['alice', 'bob'][i] })));
  await call(alice, bob, exchange);
  await bob.tell('hangUp');
  await alice.event('terminated');
});

async function twoPhones(browser, exchange, transport, options) {
  const start = (user) => phone(browser, exchange, transport, { user, ...options });
  const [alice, bob] = await Promise.all(['alice', 'bob'].map(start));
  return { alice, bob };
}

async function phone(browser, { ports }, transport, options) {
  const started = await browser.startPhone({ ...options, port: ports[transport], secure: transport === 'wss' });
  await started.event('registered');
  return started;
}

async function call(alice, bob, exchange) {
  await alice.tell('call', uri('bob', exchange));
  await Promise.all([alice.event('established'), bob.event('established')]);
}

const uri = (user, { address }) => `sip:${user}@${address}`;
