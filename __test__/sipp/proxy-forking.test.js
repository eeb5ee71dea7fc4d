'use strict';
// Forking to three callees of SIPp (RFC 3261 §16.7): a part of the matrix of `proxy-matrix.test.js`, with callees of somebody else.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { sippMissing } = require('./sipp');
const { count, header, proxiedCall, received } = require('./proxy');

const absent = {};
const accepts = { scenario: 'callee', values: { ring: 400 } };
const rings = { scenario: 'callee-cancelled', values: { delay: 0 } };
const refuses = (status, delay = 0) => ({ scenario: 'callee-refuses', values: { status, delay, reason: 'As Asked' } });

/** What the caller gets, and what three callees do; one that is absent would answer 503 if it were tried. */
const CALLS = [
  { status: 200, serial: [accepts, absent, absent], simultaneous: [accepts, rings, rings] },
  { status: 200, serial: [refuses(486), refuses(503), accepts], simultaneous: [refuses(486), refuses(503), accepts] },
  { status: 302, serial: [refuses(302), refuses(302), refuses(302)] },
  { status: 401, serial: [refuses(401), absent, absent], simultaneous: [refuses(401), refuses(486), refuses(503)] },
  { status: 407, serial: [refuses(486), refuses(407), absent], simultaneous: [refuses(503), refuses(486), refuses(407)] },
  { status: 486, serial: [refuses(503), refuses(486), absent] },
  { status: 500, serial: [refuses(503), refuses(503), absent] },
  { status: 603, serial: [refuses(486), refuses(603), absent], simultaneous: [refuses(603, 400), rings, rings] },
];

describe('three callees of SIPp', { skip: sippMissing, concurrency: 8 }, () => {
  for (const transport of ['udp', 'tcp']) {
    for (const forking of ['serial', 'simultaneous']) {
      for (const call of CALLS) {
        const callees = (call[forking] ?? call.serial).map((callee) => ({ ...callee, transport }));
        const names = callees.map(({ scenario = 'absent', values }) => values?.status ?? scenario);
        test(`${transport}, ${forking}: ${names.join(', ')}: ${call.status}`, async () => {
          const scenario = call.status === 200 ? 'caller' : 'caller-refused';
          const caller = { scenario, transport, values: { status: call.status } };
          const { results, ...seen } = await proxiedCall({ caller, callees, proxy: { forking, remainInDialog: true } });
          assert.equal(results.finalStatus, call.status);
          assert.equal(results.connected, call.status === 200);
          for (const callee of seen.callees) assert.equal(header(received(callee, 'INVITE'), 'Record-Route').length, 1);
          const cancelled = seen.callees.filter((callee) => count(callee, 'CANCEL') > 0);
          assert.equal(cancelled.length, callees.filter(({ scenario }) => scenario === rings.scenario).length);
        });
      }
    }
  }
});
