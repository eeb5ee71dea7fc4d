'use strict';
// Two baresips call each other through an application that is their registrar and proxy: call, hold, media, the end from each side.

const assert = require('node:assert/strict');
const { startPhone } = require('./baresip');
const { engineWithTls } = require('./certificate');
const { startExchange } = require('./exchange');
const { peerTest, waitFor } = require('./peer');

const TRANSPORTS = [['udp', 'udp'], ['tcp', 'tcp'], ['udp', 'tcp'], ['tcp', 'udp'], ['tls', 'tls'], ['tls', 'udp'], ['tcp', 'tls']];

for (const [from, to] of TRANSPORTS) {
  peerTest(['baresip', 'openssl'], `${from} to ${to}: the call is up, sound flows both ways, the caller hangs up`, async () => {
    const { exchange, alice, bob } = await twoPhones([from, to]);
    await alice.tell('dial', `sip:bob@${exchange.at(from)};transport=${from}`);
    await Promise.all([alice.event('CALL_ESTABLISHED'), bob.event('CALL_ESTABLISHED')]);
    await Promise.all([alice.event('CALL_RTPESTAB'), bob.event('CALL_RTPESTAB')]);
    await alice.tell('hangup');
    await bob.event('CALL_CLOSED');
    const [{ connected, finalStatus }] = exchange.ended;
    assert.deepEqual({ connected, finalStatus }, { connected: true, finalStatus: 200 });
  });

  peerTest(['baresip', 'openssl'], `${from} to ${to}: the callee holds, takes back and hangs up`, async () => {
    const { exchange, alice, bob } = await twoPhones([from, to]);
    await alice.tell('dial', `sip:bob@${exchange.at(from)};transport=${from}`);
    await Promise.all([alice.event('CALL_ESTABLISHED'), bob.event('CALL_ESTABLISHED')]);
    const offers = () => alice.events.filter(({ type, param }) => type === 'CALL_REMOTE_SDP' && param === 'offer').length;
    await bob.tell('hold');
    await waitFor('the re-INVITE that holds', () => offers() === 1, alice.log);
    await bob.tell('resume');
    await waitFor('the re-INVITE that takes back', () => offers() === 2, alice.log);
    await bob.tell('hangup');
    await alice.event('CALL_CLOSED');
  });
}

peerTest(['baresip', 'openssl'], 'the caller gives up: the callee stops ringing, the application is told', async () => {
  const { exchange, alice, bob } = await twoPhones(['udp', 'tcp'], { answers: 'manual' });
  await alice.tell('dial', `sip:bob@${exchange.address}`);
  await Promise.all([alice.event('CALL_RINGING'), bob.event('CALL_INCOMING')]);
  await alice.tell('hangup');
  await bob.event('CALL_CLOSED');
  await waitFor('the end of the proxying', () => exchange.ended.length === 1);
  assert.equal(exchange.ended[0].connected, false);
});

peerTest(['baresip', 'openssl'], 'the callee declines: the caller hears so', async () => {
  const { exchange, alice, bob } = await twoPhones(['udp', 'tcp'], { answers: 'manual' });
  await alice.tell('dial', `sip:bob@${exchange.address}`);
  await bob.event('CALL_INCOMING');
  await bob.tell('hangup');
  assert.match((await alice.event('CALL_CLOSED')).param, /^486/);
  assert.equal(exchange.ended[0].finalStatus, 486);
});

async function twoPhones(transports, options) {
  const exchange = await startExchange({ further: ['tls'], engine: engineWithTls() });
  const start = (user, i) => {
    const transport = transports[i];
    return startPhone({ user, server: exchange.at(transport), transport, ...options });
  };
  const [alice, bob] = await Promise.all(['alice', 'bob'].map(start));
  await Promise.all([alice.event('REGISTER_OK'), bob.event('REGISTER_OK')]);
  return { exchange, alice, bob };
}
