'use strict';
// Calls through a proxying application that nobody answers: busy, silent, not there (RFC 3261 §16.7).

const assert = require('node:assert/strict');
const { sippTest } = require('./sipp');
const { allAtRest, count, proxiedCall, received } = require('./proxy');

const refuses = (status, reason) => ({ scenario: 'callee-refuses', values: { status, reason, delay: 0 } });
const refused = (status, more) => ({ scenario: 'caller-refused', values: { status }, ...more });

for (const forking of ['serial', 'simultaneous']) {
  for (const remainInDialog of [true, false]) {
    const proxy = { forking, remainInDialog };
    const name = `${forking}, ${remainInDialog ? 'remainInDialog' : 'not remainInDialog'}`;

    sippTest(`${name}: a callee that is busy`, async () => {
      const { caller, callees, results } = await proxiedCall({ caller: refused(486), callees: [refuses(486, 'Busy Here')], proxy });
      assert.equal(count(caller, 'SIP/2.0 486'), 1);
      assert.equal(count(callees[0], 'ACK'), 1);
      assert.equal(results.connected, false);
      assert.equal(results.finalStatus, 486);
    });

    for (const transport of ['udp', 'tcp']) {
      const absent = { transport };

      // A transport error, over UDP an ICMP message (§18.4), counts as a 503 (§8.1.3.1), which a proxy turns into a 500 (§16.7 item 6).
      sippTest(`${name}: nobody listens at the callee's ${transport} port: 500`, async () => {
        const { caller, results } = await proxiedCall({ caller: refused(500), callees: [absent], proxy });
        assert.equal(count(caller, 'SIP/2.0 500'), 1);
        assert.equal(results.connected, false);
      });

      sippTest(`${name}: nobody listens at one callee's ${transport} port, another is busy: 486`, async () => {
        const { results } = await proxiedCall({ caller: refused(486), callees: [absent, refuses(486, 'Busy Here')], proxy });
        assert.equal(results.finalStatus, 486);
      });
    }

    sippTest(`${name}: a callee that rings for ever is cancelled after finalTimeout: 408`, async () => {
      const { callees } = await proxiedCall({
        caller: refused(408),
        callees: [{ scenario: 'callee-cancelled', values: { delay: 0 } }],
        proxy: { ...proxy, finalTimeout: '1s' },
      });
      assert.equal(count(callees[0], 'CANCEL'), 1);
    });
  }
}

sippTest('a callee that never says anything, until timer B: 408', async () => {
  const kinds = [
    { forking: 'serial', remainInDialog: true },
    { forking: 'serial', remainInDialog: false },
    { forking: 'simultaneous', remainInDialog: true },
    { forking: 'simultaneous', remainInDialog: false },
  ];
  const silent = { scenario: 'callee-silent', values: { patience: 33_000 }, seconds: 45 };
  const calls = kinds.map((proxy) => proxiedCall({ caller: refused(408, { seconds: 45 }), callees: [silent], proxy }));
  for (const { callees, results } of await Promise.all(calls)) {
    // RFC 3261 §17.1.1.2: at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s.
    assert.equal(count(callees[0], 'INVITE'), 7);
    assert.equal(count(callees[0], 'CANCEL'), 0);
    assert.equal(results.connected, false);
  }
});

sippTest('serial: the best response goes to the caller when all have refused', async () => {
  const { results } = await proxiedCall({
    caller: refused(486),
    callees: [refuses(503, 'Service Unavailable'), refuses(486, 'Busy Here')],
  });
  assert.equal(results.finalStatus, 486);
});

sippTest('simultaneous: a 603 ends the search, and the others are cancelled', async () => {
  const { callees } = await proxiedCall({
    caller: refused(603),
    callees: [{ scenario: 'callee-cancelled', values: { delay: 0 } }, { ...refuses(603, 'Decline'), values: { status: 603, reason: 'Decline', delay: 300 } }],
    proxy: { forking: 'simultaneous' },
  });
  assert.equal(received(callees[0], 'CANCEL').start.startsWith('CANCEL'), true);
});

sippTest('afterwards every engine table is empty', allAtRest);
