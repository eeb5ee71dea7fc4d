'use strict';
// baresip registers with digest at an application, stays registered, and unregisters (RFC 3261 §10, §22).

const assert = require('node:assert/strict');
const { startPhone } = require('./baresip');
const { startExchange } = require('./exchange');
const { peerTest, waitFor } = require('./peer');
const { withTransport } = require('./sipp_peer');

for (const transport of ['udp', 'tcp', 'tls']) {
  peerTest(['baresip', 'openssl'], `${transport}: registers with its password, and unregisters when it ends`, async () => {
    const exchange = await startExchange(withTransport({ transport }));
    const phone = await startPhone({ user: 'alice', server: exchange.at(transport), transport });
    await phone.event('REGISTER_OK');
    const [uri] = exchange.bindings.get('alice').keys();
    assert.match(uri, new RegExp(`^sip:alice-\\w+@127\\.0\\.0\\.1:${phone.port + (transport === 'tls' ? 1 : 0)}`));
    assert.equal(exchange.registers.length, 1, 'one with credentials; the one without never came so far');
    assert.equal(exchange.registers[0].protocol, transport);

    await phone.stop();
    await waitFor('the binding to go', () => exchange.bindings.get('alice').size === 0);
    await exchange.stop();
  });
}

peerTest(['baresip', 'openssl'], 'a wrong password: it does not get in', async () => {
  const exchange = await startExchange();
  const phone = await startPhone({ user: 'alice', server: exchange.address, password: 'guessed' });
  const { param } = await phone.event('REGISTER_FAIL');
  assert.match(param, /401/);
  assert.deepEqual(exchange.registers, []);
  await phone.stop();
  await exchange.stop();
});

peerTest(['baresip', 'openssl'], 'a short registration is refreshed, and stays one binding', async () => {
  const exchange = await startExchange();
  const phone = await startPhone({ user: 'alice', server: exchange.address, expires: 2 });
  await phone.event('REGISTER_OK', 2);
  assert.equal(exchange.bindings.get('alice').size, 1);
  const [first, second] = exchange.registers;
  assert.equal(second.get('Call-ID'), first.get('Call-ID'));
  await phone.stop();
  await exchange.stop();
});
