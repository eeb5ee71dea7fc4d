'use strict';
// An INVITE without an offer: the 200 makes it and the ACK answers it (RFC 3261 §13.2.1), in both directions.

const assert = require('node:assert/strict');
const { accept, answer, ask, notes, sdp } = require('./agent');
const { peerTest } = require('./peer');
const { TRANSPORTS, sippCalls, sippIsCalled } = require('./sipp_peer');

for (const transport of TRANSPORTS) {
  peerTest(['sipp', 'openssl'], `${transport}: SIPp calls without an offer: the application reads the answer in the ACK`, async () => {
    const called = {};
    await sippCalls({ scenario: 'caller-late-offer', transport }, (app) => {
      Object.assign(called, notes(app, { invite: answer, ack: () => {}, bye: accept }));
    });
    assert.equal((await called.request('INVITE')).body, '');
    assert.match((await called.request('ACK')).body, /m=audio/);
  });

  peerTest(['sipp', 'openssl'], `${transport}: the application calls without an offer, and puts the answer into the ACK`, async () => {
    const { app, uri, outcome } = await sippIsCalled({ scenario: 'callee-late-offer', transport });
    const ack = { headers: { 'Content-Type': 'application/sdp' }, body: sdp() };
    const { res } = await ask(app, { method: 'INVITE', uri }, { ack });
    assert.match(res.body, /m=audio/);
    await ask(app, { method: 'BYE', stackDialogId: res.stackDialogId });
    await outcome;
  });
}
