'use strict';
// A call through a proxying application (RFC 3261 §16): what caller and callee see of it.

const assert = require('node:assert/strict');
const { sippTest } = require('./sipp');
const { allAtRest, count, header, proxiedCall, received } = require('./proxy');

const answers = { scenario: 'callee', values: { ring: 100 } };

for (const forking of ['serial', 'simultaneous']) {
  sippTest(`${forking}, remainInDialog: the ACK and the BYE come through the proxy`, async () => {
    const { caller, callees, results } = await proxiedCall({
      caller: { scenario: 'caller' },
      callees: [answers],
      proxy: { remainInDialog: true, forking },
    });
    const [callee] = callees;
    assert.equal(header(received(callee, 'INVITE'), 'Record-Route').length, 1);
    assert.equal(header(received(caller, 'SIP/2.0 200'), 'Record-Route').length, 1);
    assert.equal(header(received(callee, 'ACK'), 'Via').length, 2);
    assert.equal(header(received(callee, 'BYE'), 'Via').length, 2);
    assert.deepEqual(header(received(callee, 'BYE'), 'Route'), [], 'the proxy takes its own Route entry away');
    assert.equal(results.connected, true);
    assert.equal(results.finalStatus, 200);
    nothingSentTwice(caller, callees);
  });

  sippTest(`${forking}, not remainInDialog: the ACK and the BYE go past the proxy`, async () => {
    const { caller, callees, results } = await proxiedCall({
      caller: { scenario: 'caller-direct' },
      callees: [{ ...answers, scenario: 'callee-direct' }],
      proxy: { remainInDialog: false, forking },
    });
    const [callee] = callees;
    assert.deepEqual(header(received(callee, 'INVITE'), 'Record-Route'), []);
    assert.equal(header(received(callee, 'BYE'), 'Via').length, 1);
    assert.equal(results.connected, true);
    nothingSentTwice(caller, callees);
  });
}

sippTest('the forwarded INVITE: one hop less, one Via more, addressed to the callee', async () => {
  const { caller, callees } = await proxiedCall({ caller: { scenario: 'caller' }, callees: [answers], proxy: { remainInDialog: true } });
  const invite = received(callees[0], 'INVITE');
  const sent = caller.messages.find(({ start }) => start.startsWith('INVITE'));
  assert.match(invite.start, /^INVITE sip:callee@127\.0\.0\.1:\d+ SIP\/2\.0$/);
  assert.deepEqual(header(invite, 'Max-Forwards'), ['69']);
  assert.equal(header(invite, 'Via').length, 2);
  for (const name of ['From', 'To', 'Call-ID', 'CSeq', 'Contact']) assert.deepEqual(header(invite, name), header(sent, name), name);
});

for (const [from, to] of [['tcp', 'tcp'], ['tcp', 'udp'], ['udp', 'tcp']]) {
  sippTest(`a caller on ${from}, a callee on ${to}: the whole call passes the proxy`, async () => {
    const { callees } = await proxiedCall({
      caller: { scenario: 'caller', transport: from },
      callees: [{ ...answers, transport: to }],
      proxy: { remainInDialog: true },
    });
    assert.equal(header(received(callees[0], 'BYE'), 'Via').length, 2);
  });
}

sippTest('serial: the second destination is tried when the first is busy', async () => {
  const { caller, callees, results } = await proxiedCall({
    caller: { scenario: 'caller' },
    callees: [{ scenario: 'callee-refuses', values: { status: 486, reason: 'Busy Here', delay: 0 } }, answers],
    proxy: { remainInDialog: true },
  });
  assert.equal(count(caller, 'SIP/2.0 486'), 0);
  assert.equal(received(callees[0], 'ACK').start.startsWith('ACK'), true);
  assert.equal(results.finalStatus, 200);
});

sippTest('simultaneous: one of three is busy, one rings, one answers; the one that rings is cancelled', async () => {
  const { caller, callees, results } = await proxiedCall({
    caller: { scenario: 'caller' },
    callees: [
      { scenario: 'callee-refuses', values: { status: 486, reason: 'Busy Here', delay: 0 } },
      { scenario: 'callee-cancelled', values: { delay: 0 } },
      { scenario: 'callee', values: { ring: 500 } },
    ],
    proxy: { remainInDialog: true, forking: 'simultaneous' },
  });
  assert.equal(count(callees[1], 'CANCEL'), 1);
  assert.equal(count(caller, 'SIP/2.0 200'), 2, 'to the INVITE and to the BYE');
  assert.equal(count(caller, 'SIP/2.0 4'), 0);
  assert.equal(results.connected, true);
});

sippTest('serial: a destination that says nothing is given up after provisionalTimeout', async () => {
  const { callees, results } = await proxiedCall({
    caller: { scenario: 'caller' },
    callees: [{ scenario: 'callee-silent', values: { patience: 2500 } }, answers],
    proxy: { remainInDialog: true, provisionalTimeout: '700ms' },
  });
  assert.equal(results.finalStatus, 200);
  assert.equal(count(callees[0], 'CANCEL'), 0, 'an INVITE without any response cannot be cancelled (RFC 3261 §9.1)');
});

sippTest('afterwards every engine table is empty', allAtRest);

function nothingSentTwice(...outcomes) {
  for (const outcome of outcomes.flat()) assert.equal(outcome.retransmissions, 0, outcome.log);
}
