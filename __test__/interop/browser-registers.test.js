'use strict';
// A telephone in a browser registers over a WebSocket (RFC 7118), and again when its connection was cut.

const assert = require('node:assert/strict');
const { browserTest } = require('./browser');
const { waitFor } = require('./peer');

for (const transport of ['ws', 'wss']) {
  const secure = transport === 'wss';

  browserTest(`${transport}: registers with its password, and unregisters`, async (browser, exchange) => {
    const alice = await browser.startPhone({ user: 'alice', port: exchange.ports[transport], secure });
    await alice.event('registered');
    const [contact, { req }] = [...exchange.bindings.get('alice')][0];
    assert.equal(req.protocol, transport);
    assert.match(contact, /^sip:\w+@\w+\.invalid;transport=ws$/);
    assert.equal(await alice.tell('unregister'), 200);
    assert.equal(exchange.bindings.get('alice').size, 0);
  });

  browserTest(`${transport}: registers again over a new connection when the first was cut`, async (browser, exchange) => {
    const alice = await browser.startPhone({ user: 'alice', port: exchange.ports[transport], secure });
    await alice.event('registered');
    alice.cut();
    await alice.event('registered again 200');
    const [first, second] = exchange.registers;
    assert.notEqual(second.source_port, first.source_port);
    assert.equal(exchange.bindings.get('alice').size, 1, 'of the same contact');
    await waitFor('the first connection to be forgotten', () => exchange.app.client.census().connections === 1);
  });
}
