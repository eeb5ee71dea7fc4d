'use strict';
// The caller gives up, at each stage of a call through a proxying application (RFC 3261 §9, §16.10).

const assert = require('node:assert/strict');
const { sippTest } = require('./sipp');
const { overTcp, overUdp, request } = require('./wire');
const { allAtRest, count, proxiedCall } = require('./proxy');

const absent = {};
const rings = (delay = 0) => ({ scenario: 'callee-cancelled', values: { delay } });

for (const forking of ['serial', 'simultaneous']) {
  for (const remainInDialog of [true, false]) {
    const proxy = { forking, remainInDialog };
    const name = `${forking}, ${remainInDialog ? 'remainInDialog' : 'not remainInDialog'}`;

    for (const transport of ['udp', 'tcp']) {
      sippTest(`${name}, ${transport}: before any response: the callee never hears of the call`, async () => {
        const { heard, err } = await cancelledAtOnce(transport, proxy);
        assert.deepEqual(heard, ['100', '200', '487']);
        assert.ok(err instanceof Error, 'the application is told that there was nothing left to proxy');
      });

      sippTest(`${name}, ${transport}: after the 100, before the callee has said anything`, async () => {
        const scenario = 'caller-cancels-after-trying';
        const { callees } = await proxiedCall({ caller: { scenario, transport }, callees: [rings(1200)], proxy });
        const starts = callees[0].messages.map(({ direction, start }) => `${direction} ${start.split(' ').slice(0, 2).join(' ')}`);
        const ringing = starts.indexOf('sent SIP/2.0 180');
        assert.equal(starts.slice(0, ringing).some((start) => start.startsWith('received CANCEL')), false, 'RFC 3261 §9.1');
      });

      sippTest(`${name}, ${transport}: after the 180`, async () => {
        const scenario = 'caller-cancels-after-ringing';
        const { caller, callees, results } = await proxiedCall({ caller: { scenario, transport }, callees: [rings()], proxy });
        assert.equal(count(caller, 'SIP/2.0 487'), 1);
        assert.equal(count(callees[0], 'ACK'), 1);
        assert.equal(results.connected, false);
      });
    }
  }
}

sippTest('simultaneous: every callee that rings is cancelled', async () => {
  const { callees } = await proxiedCall({
    caller: { scenario: 'caller-cancels-three' },
    callees: [rings(), rings(), rings()],
    proxy: { forking: 'simultaneous' },
  });
  for (const callee of callees) assert.equal(count(callee, 'CANCEL'), 1);
});

sippTest('serial: a destination that was not tried yet never hears of a cancelled call', async () => {
  const { callees } = await proxiedCall({
    caller: { scenario: 'caller-cancels-after-ringing' },
    callees: [rings(), absent],
  });
  assert.equal(callees.length, 1);
  assert.equal(count(callees[0], 'CANCEL'), 1);
});

// The INVITE's transaction is still there, in its Accepted state (RFC 6026), so the CANCEL matches it: 200, and no effect (§9.2).
sippTest('after the 200: the CANCEL comes too late, and the call stays up', async () => {
  const { callees } = await proxiedCall({
    caller: { scenario: 'caller-cancels-too-late', values: { status: 200 } },
    callees: [{ scenario: 'callee', values: { ring: 50 } }],
    proxy: { remainInDialog: true },
  });
  assert.equal(count(callees[0], 'CANCEL'), 0);
  assert.equal(count(callees[0], 'BYE'), 1);
});

sippTest('afterwards every engine table is empty', allAtRest);

/** SIPp reads between any two messages that it sends; this caller sends its CANCEL together with its INVITE. */
async function cancelledAtOnce(transport, proxy) {
  const invite = request({ method: 'INVITE', transport: transport.toUpperCase() });
  const number = /CSeq: (\d+)/.exec(invite)[1];
  const cancel = invite.replace('INVITE', 'CANCEL').replace(`${number} INVITE`, `${number} CANCEL`);
  let heard;
  const call = async (port) => {
    if (transport === 'udp') heard = await overUdp(port, [invite, cancel]);
    else ({ heard } = await overTcp(port, [invite + cancel]));
  };
  return { ...(await proxiedCall({ call, callees: [absent], proxy, isLate: true })), heard };
}
