'use strict';
// A call between SIPp and an application, in both directions, ended from both sides (RFC 3261 §13, §15).

const assert = require('node:assert/strict');
const { accept, answer, ask, notes, sdp } = require('./agent');
const { peerTest } = require('./peer');
const { TRANSPORTS, sippCalls, sippIsCalled } = require('./sipp_peer');

for (const transport of TRANSPORTS) {
  peerTest(['sipp', 'openssl'], `${transport}: SIPp calls and hangs up`, async () => {
    const called = {};
    await sippCalls({ scenario: 'caller', transport }, (app) => {
      Object.assign(called, notes(app, { invite: answer, ack: () => {}, bye: accept }));
    });
    assert.deepEqual(called.seen.map(({ method, protocol }) => [method, protocol]), [
      ['INVITE', transport],
      ['ACK', transport],
      ['BYE', transport],
    ]);
  });

  peerTest(['sipp', 'openssl'], `${transport}: SIPp calls, the application hangs up`, async () => {
    await sippCalls({ scenario: 'caller-hung-up', transport }, (app) => {
      app.invite(answer);
      app.ack(({ stackDialogId }) => ask(app, { method: 'BYE', stackDialogId }));
    });
  });

  peerTest(['sipp', 'openssl'], `${transport}: the application calls and hangs up`, async () => {
    const { app, uri, outcome } = await sippIsCalled({ scenario: 'callee', transport });
    const { res, statuses } = await ask(app, { method: 'INVITE', uri, body: sdp() });
    assert.deepEqual(statuses, [180, 200]);
    const bye = await ask(app, { method: 'BYE', stackDialogId: res.stackDialogId });
    assert.equal(bye.res.status, 200);
    await outcome;
  });

  peerTest(['sipp', 'openssl'], `${transport}: the application calls, SIPp hangs up`, async () => {
    const called = {};
    const { app, uri, outcome } = await sippIsCalled({ scenario: 'callee-hangs-up', transport }, (app) => {
      Object.assign(called, notes(app, { bye: accept }));
    });
    const { res } = await ask(app, { method: 'INVITE', uri, body: sdp() });
    const bye = await called.request('BYE');
    assert.equal(bye.stackDialogId, res.stackDialogId);
    assert.equal(bye.protocol, transport);
    await outcome;
  });
}
