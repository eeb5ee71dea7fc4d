'use strict';
// A proxying application between two Kamailios, all three recording their routes (RFC 3261 §16.6, §16.12): SIPp calls SIPp.

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { freePort, startApp } = require('../sipp/app');
const { header, received } = require('../sipp/proxy');
const { sipp } = require('../sipp/sipp');
const { engineWithTls } = require('./certificate');
const { startKamailio } = require('./kamailio');
const { peerTest, waitFor } = require('./peer');
const { wentWell } = require('./sipp_peer');

/** The transport of each hop: caller, Kamailio, application, Kamailio, callee. */
const WAYS = [
  ['udp', 'udp', 'udp', 'udp'],
  ['tcp', 'tcp', 'tcp', 'tcp'],
  ['udp', 'udp', 'tcp', 'tcp'],
  ['tcp', 'udp', 'tcp', 'udp'],
  ['udp', 'tcp', 'udp', 'tcp'],
  ['udp', 'tls', 'tls', 'udp'],
  ['tcp', 'udp', 'tls', 'tcp'],
];

for (const way of WAYS) {
  const name = way.join(' – ');

  peerTest(['kamailio', 'sipp', 'openssl'], `${name}: the caller hangs up`, async () => {
    const { callee, ended } = await callThrough(way, { caller: 'caller', callee: 'callee' });
    assert.equal(header(received(callee, 'ACK'), 'Via').length, 4, 'it came through all three');
    assert.equal(header(received(callee, 'BYE'), 'Via').length, 4);
    assert.deepEqual(header(received(callee, 'BYE'), 'Route'), [], 'each has taken its own away');
    assert.equal(ended.finalStatus, 200);
  });

  peerTest(['kamailio', 'sipp', 'openssl'], `${name}: the callee hangs up`, async () => {
    const { caller } = await callThrough(way, { caller: 'caller-hung-up', callee: 'callee-hangs-up' });
    assert.equal(header(received(caller, 'BYE'), 'Via').length, 4);
  });

  peerTest(['kamailio', 'sipp', 'openssl'], `${name}: the caller holds the call`, async () => {
    await callThrough(way, { caller: 'caller-reinvites', callee: 'callee-reinvited' });
  });

  peerTest(['kamailio', 'sipp', 'openssl'], `${name}: the caller gives up`, async () => {
    const { caller, ended } = await callThrough(way, { caller: 'caller-cancels-after-ringing', callee: 'callee-cancelled' });
    received(caller, 'SIP/2.0 487');
    assert.equal(ended.connected, false);
  });
}

async function callThrough([first, second, third, last], scenarios) {
  const [from, to] = await Promise.all([freePort(), freePort()]);
  const at = (port, transport) => `sip:callee@127.0.0.1:${port};transport=${transport}`;
  let ended;
  const below = await startKamailio({ next: at(to, last) });
  const proxy = (app) => {
    app.invite(async (req) => {
      const destination = `sip:callee@${below.at(third)};transport=${third}`;
      ended = await req.proxy({ destination, remainInDialog: true });
    });
  };
  const { ports } = await startApp(proxy, { further: ['tls'], engine: engineWithTls() });
  const above = await startKamailio({ next: at(ports[second], second) });
  const values = { user: 'callee', ring: 50, talk: 50, delay: 0 };
  const callee = sipp({ scenario: scenarios.callee, port: to, transport: last, values });
  // SIPp says nowhere that it listens.
  await sleep(400);
  const caller = sipp({ scenario: scenarios.caller, port: from, transport: first, target: above.address, values });
  const outcomes = await Promise.all([callee, caller].map(({ finished }) => wentWell(finished)));
  await waitFor('the end of the proxying', () => ended);
  return { callee: outcomes[0], caller: outcomes[1], ended };
}
