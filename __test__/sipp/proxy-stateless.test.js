'use strict';
// Calls through an application that keeps nothing of them (RFC 3261 §16.11).

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { sipp, sippTest } = require('./sipp');
const { freePort, startApp } = require('./app');
const { count, header, received } = require('./proxy');

/** One call from SIPp to SIPp; both saw what their scenarios say, and the engine remembers nothing. */
async function statelessCall({ caller, callee, transport = 'udp', proxy = {} }) {
  const [port, calleePort] = await Promise.all([freePort(), freePort()]);
  const forwarded = [];
  const server = await startApp(
    (app) => app.use(async (req) => {
      forwarded.push(req.method);
      const { connected, responses } = await req.proxy({ destination: `sip:callee@127.0.0.1:${calleePort}`, stateful: false, ...proxy });
      assert.deepEqual([connected, responses], [false, []]);
    }),
    { engine: { stateless: true } },
  );
  const called = sipp({ ...callee, port: calleePort, values: { caller: port, ...callee.values } });
  // SIPp says nowhere that it listens.
  await sleep(400);
  const values = { user: 'callee', talk: 200, callee: calleePort, ...caller.values };
  const outcomes = await Promise.all([sipp({ ...caller, transport, values, target: server.address, port }).finished, called.finished]);
  for (const { ok } of outcomes) assert.ok(ok, outcomes.map(({ log }) => log).join('\n\n'));
  const census = server.app.client.census();
  const left = Object.entries(census).filter(([name, size]) => size !== 0 && name !== 'connections');
  assert.deepEqual(left, []);
  await server.stop();
  return { caller: outcomes[0], callee: outcomes[1], forwarded };
}

for (const transport of ['udp', 'tcp']) {
  sippTest(`${transport}: a call, its ACK and its BYE pass`, async () => {
    const { callee, forwarded } = await statelessCall({
      caller: { scenario: 'caller' },
      callee: { scenario: 'callee', values: { ring: 100 } },
      transport,
      proxy: { remainInDialog: true },
    });
    for (const method of ['INVITE', 'ACK', 'BYE']) assert.equal(header(received(callee, method), 'Via').length, 2, method);
    assert.deepEqual(forwarded, ['INVITE'], 'the rest goes along the recorded route');
  });
}

sippTest('a call that is refused: the ACK goes to the callee', async () => {
  const { callee, forwarded } = await statelessCall({
    caller: { scenario: 'caller-refused', values: { status: 486 } },
    callee: { scenario: 'callee-refuses', values: { status: 486, reason: 'Busy Here', delay: 0 } },
  });
  assert.equal(count(callee, 'ACK'), 1);
  assert.deepEqual(forwarded, ['INVITE', 'ACK']);
});

sippTest('a call that is cancelled while it rings', async () => {
  const { caller, callee, forwarded } = await statelessCall({
    caller: { scenario: 'caller-cancels-after-ringing' },
    callee: { scenario: 'callee-cancelled', values: { delay: 0 } },
  });
  assert.equal(count(caller, 'SIP/2.0 487'), 1);
  assert.equal(count(callee, 'CANCEL'), 1);
  assert.deepEqual(forwarded, ['INVITE', 'CANCEL', 'ACK']);
});
