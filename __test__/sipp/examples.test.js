'use strict';
// Each small program of `examples`, run as a person would run it, with SIPp as its far end.

const assert = require('node:assert/strict');
const { sipp, sippTest } = require('./sipp');
const { freePort } = require('./app');
const { header, received, count } = require('./proxy');
const { runExample } = require('../examples/run');

const loopback = (port) => `sip:127.0.0.1:${port};transport=udp,tcp`;
const callee = (port) => `sip:callee@127.0.0.1:${port}`;

sippTest('forking-proxy.js rings three destinations: the one that answers has the call', async () => {
  const [port, caller, ...ports] = await Promise.all([1, 2, 3, 4, 5].map(freePort));
  const scenarios = [
    { scenario: 'callee-refuses', values: { status: 486, reason: 'Busy Here', delay: 0 } },
    { scenario: 'callee-cancelled', values: { delay: 0 } },
    { scenario: 'callee-direct', values: { ring: 600, caller } },
  ];
  const example = runExample('forking-proxy.js', ['--contact', loopback(port), ...ports.map(callee)]);
  const callees = scenarios.map((one, i) => sipp({ ...one, port: ports[i] }));
  await example.printed('listening on');
  const values = { user: 'callee', talk: 100, callee: ports[2] };
  const calling = sipp({ scenario: 'caller-direct', values, target: `127.0.0.1:${port}`, port: caller });

  await allOk([calling, ...callees]);
  await example.printed('final status 200');
  await example.printed(`${callee(ports[0])}: failed 486`);
  await example.printed(`${callee(ports[1])}: cancelled`);
  await example.stop();
});

sippTest('registrar.js answers a REGISTER with the binding it has made', async () => {
  const port = await freePort();
  const example = runExample('registrar.js', ['--contact', loopback(port)]);
  await example.printed('listening on');
  for (const transport of ['udp', 'tcp']) {
    const values = { user: 'bob', contact: '<sip:bob@127.0.0.1:5099>', expires: 120, status: 200 };
    const phone = sipp({ scenario: 'registers', values, transport, target: `127.0.0.1:${port}`, port: await freePort() });
    const [outcome] = await allOk([phone]);
    assert.deepEqual(header(received(outcome, 'SIP/2.0 200'), 'Contact'), ['<sip:bob@127.0.0.1:5099>;expires=120']);
  }
  await example.printed('sip:bob@127.0.0.1:5099 is here for 120 s');
  await example.stop();
});

sippTest('options-ping.js asks, prints the answer and ends', async () => {
  const port = await freePort();
  const server = sipp({ scenario: 'answers', values: { method: 'OPTIONS', status: '200 OK' }, port });
  await listening();
  const example = runExample('options-ping.js', ['--contact', loopback(await freePort()), `sip:127.0.0.1:${port}`]);
  await example.printed('answered 200 OK');
  assert.equal(await example.exited, 0);
  const [outcome] = await allOk([server]);
  const options = received(outcome, 'OPTIONS');
  assert.deepEqual(header(options, 'User-Agent'), ['drachtio ping']);
  assert.deepEqual(header(options, 'Max-Forwards'), ['70']);
  assert.equal(count(outcome, 'OPTIONS'), 1);
});

sippTest('invite-ack.js calls, acknowledges and hangs up', async () => {
  const port = await freePort();
  const far = sipp({ scenario: 'callee', values: { ring: 100 }, port });
  await listening();
  const example = runExample('invite-ack.js', ['--contact', loopback(await freePort()), callee(port)]);
  await example.printed('180 Ringing');
  await example.printed('200 OK');
  await example.printed('BYE: 200 OK');
  assert.equal(await example.exited, 0);
  const [outcome] = await allOk([far]);
  assert.deepEqual(header(received(outcome, 'INVITE'), 'Content-Type'), ['application/sdp']);
  const [invite, ack, bye] = ['INVITE', 'ACK', 'BYE'].map((method) => received(outcome, method));
  const number = (message) => Number(header(message, 'CSeq')[0].split(' ')[0]);
  assert.equal(number(ack), number(invite));
  assert.equal(number(bye), number(invite) + 1);
  assert.equal(outcome.retransmissions, 0);
});

sippTest('cancel-after-2s.js gives up, and the callee stops ringing', async () => {
  const port = await freePort();
  const far = sipp({ scenario: 'callee-cancelled-direct', values: { delay: 0 }, port });
  await listening();
  const example = runExample('cancel-after-2s.js', ['--contact', loopback(await freePort()), callee(port)]);
  await example.printed('180 Ringing');
  await example.printed('cancelled');
  await example.printed('487 Request Terminated');
  assert.equal(await example.exited, 0);
  const [outcome] = await allOk([far]);
  const [invite, cancel] = [received(outcome, 'INVITE'), received(outcome, 'CANCEL')];
  assert.deepEqual(header(cancel, 'Via'), header(invite, 'Via'), 'RFC 3261 §9.1');
  assert.deepEqual(header(cancel, 'To'), header(invite, 'To'));
});

sippTest('100rel-uas.js sends a reliable 183, and its 200 after the PRACK', async () => {
  const port = await freePort();
  const example = runExample('100rel-uas.js', ['--contact', loopback(port)]);
  await example.printed('listening on');
  const far = sipp({ scenario: 'caller-reliable', values: { user: 'bob' }, target: `127.0.0.1:${port}`, port: await freePort() });
  const [outcome] = await allOk([far]);
  for (const line of ['183 sent', 'PRACK received', '200 sent', 'ACK received']) await example.printed(line);
  assert.equal(count(outcome, 'SIP/2.0 183'), 1, 'not retransmitted after its PRACK');
  await example.stop();
});

sippTest('100rel-uac.js answers a reliable 183 with a PRACK', async () => {
  const port = await freePort();
  const far = sipp({ scenario: 'callee-reliable', port });
  await listening();
  const example = runExample('100rel-uac.js', ['--contact', loopback(await freePort()), callee(port)]);
  await example.printed('183 Session Progress, reliable');
  await example.printed('200 OK');
  assert.equal(await example.exited, 0);
  const [outcome] = await allOk([far]);
  const [invite, prack] = [received(outcome, 'INVITE'), received(outcome, 'PRACK')];
  const number = Number(header(invite, 'CSeq')[0].split(' ')[0]);
  assert.deepEqual(header(prack, 'RAck'), [`4711 ${number} INVITE`]);
  assert.equal(count(outcome, 'PRACK'), 1);
});

async function allOk(runs) {
  const outcomes = await Promise.all(runs.map(({ finished }) => finished));
  for (const { ok } of outcomes) assert.ok(ok, outcomes.map(({ log }) => log).join('\n\n'));
  return outcomes;
}

/** SIPp says nowhere that it listens. */
function listening() {
  return new Promise((resolve) => setTimeout(resolve, 400));
}
