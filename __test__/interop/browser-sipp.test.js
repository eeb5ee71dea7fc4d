'use strict';
// A telephone in a browser and a SIPp on UDP call each other through a proxying application (RFC 5658, RFC 7118): WSS on one
// side, UDP on the other. SIPp has no media; its SDP is one that a browser takes.

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { freePort } = require('../sipp/app');
const { header, received } = require('../sipp/proxy');
const { sipp } = require('../sipp/sipp');
const { browserTest } = require('./browser');
const { wentWell } = require('./sipp_peer');
const { waitFor } = require('./peer');

/** What WebRTC asks of a peer's SDP (RFC 8829 §5.2.1). */
const media = (setup) => [
  'm=audio 6000 UDP/TLS/RTP/SAVPF 0',
  'a=mid:0',
  `a=setup:${setup}`,
  `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`,
  'a=ice-ufrag:sipp',
  'a=ice-pwd:0123456789012345678901',
  'a=rtcp-mux',
  'a=sendrecv',
];

browserTest('the browser calls, and hangs up', async (browser, exchange) => {
  const { phone, outcome } = await deskPhone(browser, exchange, { scenario: 'callee', media: media('active') });
  await phone.event('established');
  await phone.tell('hangUp');
  const callee = await outcome;
  bothSidesRecorded(received(callee, 'INVITE'));
  for (const method of ['ACK', 'BYE']) assert.equal(header(received(callee, method), 'Via').length, 2, `the ${method} came through the proxy`);
  await waitFor('the end of the proxying', () => exchange.ended.length === 1);
  assert.equal(exchange.ended[0].connected, true);
});

browserTest('the browser calls, and SIPp hangs up', async (browser, exchange) => {
  const { phone, outcome } = await deskPhone(browser, exchange, { scenario: 'callee-hangs-up', media: media('active') });
  await phone.event('terminated');
  await outcome;
});

browserTest('the browser calls, and gives up while SIPp rings', async (browser, exchange) => {
  const { phone, outcome } = await deskPhone(browser, exchange, { scenario: 'callee-cancelled' });
  await phone.event('progress 180');
  await phone.tell('hangUp');
  await phone.event('rejected 487');
  received(await outcome, 'CANCEL');
});

browserTest('the browser calls, and SIPp is busy', async (browser, exchange) => {
  const { phone, outcome } = await deskPhone(browser, exchange, { scenario: 'callee-refuses', values: { status: 486, reason: 'Busy Here' } });
  await phone.event('rejected 486');
  await outcome;
});

for (const [scenario, ends] of [['caller', 'SIPp hangs up'], ['caller-hung-up', 'the browser hangs up']]) {
  browserTest(`SIPp calls, and ${ends}`, async (browser, exchange) => {
    const phone = await registered(browser, exchange);
    const options = { scenario, media: media('actpass'), target: exchange.address, port: await freePort() };
    const { finished } = sipp({ ...options, values: { user: 'alice', talk: 100 } });
    await phone.event('established');
    if (scenario === 'caller-hung-up') await phone.tell('hangUp');
    await phone.event('terminated');
    const caller = await wentWell(finished);
    bothSidesRecorded(received(caller, 'SIP/2.0 200'));
    assert.equal(exchange.ended[0].finalStatus, 200);
  });
}

/** SIPp as a phone of the exchange, called by a browser. */
async function deskPhone(browser, exchange, options) {
  const port = await freePort();
  exchange.bindings.set('desk', new Map([[`sip:desk@127.0.0.1:${port}`, { expires: 3600 }]]));
  const { finished } = sipp({ ...options, port, values: { ring: 50, talk: 50, delay: 0, ...options.values } });
  const phone = await registered(browser, exchange);
  // SIPp says nowhere that it listens.
  await sleep(400);
  await phone.tell('call', `sip:desk@${exchange.address}`);
  return { phone, outcome: wentWell(finished) };
}

async function registered(browser, { ports }) {
  const phone = await browser.startPhone({ user: 'alice', port: ports.wss, secure: true });
  await phone.event('registered');
  return phone;
}

/** RFC 5658 §4.2: one Record-Route for each side. */
function bothSidesRecorded(message) {
  const routes = header(message, 'Record-Route').flatMap((line) => line.split(','));
  assert.equal(routes.length, 2);
  assert.equal(routes.filter((route) => /transport=wss?[;>]/.test(route)).length, 1, routes.join());
}
