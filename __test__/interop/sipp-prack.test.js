'use strict';
// Reliable provisional responses and their PRACK (RFC 3262), in both directions.

const assert = require('node:assert/strict');
const { accept, ask, notes, sdp } = require('./agent');
const { peerTest } = require('./peer');
const { TRANSPORTS, sippCalls, sippIsCalled } = require('./sipp_peer');

for (const transport of TRANSPORTS) {
  peerTest(['sipp', 'openssl'], `${transport}: SIPp acknowledges a reliable 183 of the application`, async () => {
    const called = {};
    await sippCalls({ scenario: 'caller-reliable', transport }, (app) => {
      const invite = (req, res) => {
        res.send(183, { headers: { Require: '100rel' }, body: sdp() }, () => {}, () => res.send(200, { body: sdp() }));
      };
      Object.assign(called, notes(app, { invite, prack: accept, bye: accept }));
    });
    assert.deepEqual(called.seen.map(({ method }) => method), ['INVITE', 'PRACK', 'BYE']);
  });

  peerTest(['sipp', 'openssl'], `${transport}: the application acknowledges a reliable 183 of SIPp`, async () => {
    const { app, uri, outcome } = await sippIsCalled({ scenario: 'callee-reliable', transport });
    const { res, statuses } = await ask(
      app,
      { method: 'INVITE', uri, headers: { Require: '100rel' }, body: sdp() },
      { provisional: ({ status }, ack) => status > 100 && ack() },
    );
    assert.deepEqual(statuses, [183, 200]);
    await ask(app, { method: 'BYE', stackDialogId: res.stackDialogId });
    await outcome;
  });
}
