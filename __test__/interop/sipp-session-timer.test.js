'use strict';
// Session timers (RFC 4028): what SIPp asks for is granted or refused, what the application asks for is offered, and SIPp's refreshes are answered.

const assert = require('node:assert/strict');
const { accept, answer, ask, notes, sdp } = require('./agent');
const { peerTest } = require('./peer');
const { TRANSPORTS, sippCalls, sippIsCalled } = require('./sipp_peer');

for (const transport of TRANSPORTS) {
  peerTest(['sipp', 'openssl'], `${transport}: SIPp wants a timer: 30 s are too brief, 90 s are granted and refreshed`, async () => {
    const called = {};
    await sippCalls({ scenario: 'caller-session-timer', transport }, (app) => {
      Object.assign(called, notes(app, { invite: answer, update: accept, bye: accept }));
    });
    assert.deepEqual(called.seen.map(({ method }) => method), ['INVITE', 'UPDATE', 'BYE'], 'not the first INVITE');
  });

  peerTest(['sipp', 'openssl'], `${transport}: the application wants a timer: SIPp takes it, and refreshes the call`, async () => {
    const called = {};
    const { app, uri, outcome } = await sippIsCalled({ scenario: 'callee-session-timer', transport }, (app) => {
      Object.assign(called, notes(app, { update: accept }));
    });
    const headers = { 'Session-Expires': '90' };
    const { res } = await ask(app, { method: 'INVITE', uri, headers, body: sdp() });
    assert.equal(res.get('Session-Expires'), '90;refresher=uas');
    await called.request('UPDATE');
    await ask(app, { method: 'BYE', stackDialogId: res.stackDialogId });
    await outcome;
  });
}
