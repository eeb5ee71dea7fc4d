'use strict';
// A call that is given up while it rings, by SIPp and by an application (RFC 3261 §9).

const assert = require('node:assert/strict');
const { ask, sdp } = require('./agent');
const { peerTest } = require('./peer');
const { TRANSPORTS, sippCalls, sippIsCalled } = require('./sipp_peer');

for (const transport of TRANSPORTS) {
  peerTest(['sipp', 'openssl'], `${transport}: SIPp gives up: the application is told, and need not answer`, async () => {
    const cancelled = [];
    await sippCalls({ scenario: 'caller-cancels-after-ringing', transport }, (app) => {
      app.invite((req, res) => {
        req.on('cancel', (cancel) => cancelled.push(cancel));
        res.send(180);
      });
    });
    assert.equal(cancelled.length, 1);
  });

  peerTest(['sipp', 'openssl'], `${transport}: the application gives up: it gets the 487`, async () => {
    const { app, uri, outcome } = await sippIsCalled({ scenario: 'callee-cancelled-direct', transport, values: { delay: 0 } });
    const { statuses } = await ask(
      app,
      { method: 'INVITE', uri, body: sdp() },
      { provisional: ({ status }, ack, req) => status === 180 && req.cancel(() => {}) },
    );
    assert.equal(statuses.at(-1), 487);
    await outcome;
  });
}
