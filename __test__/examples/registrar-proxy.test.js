'use strict';
// What a newcomer sees of `npm start`.

const assert = require('node:assert/strict');
const dgram = require('node:dgram');
const { once } = require('node:events');
const { test } = require('node:test');
const { runExample } = require('./run');
const { drawLadder } = require('../../examples/ladder');
const { freePort } = require('../sipp/app');

test('it shows a call between two phones, message by message, and stays up', async () => {
  const port = await freePort();
  const example = runExample('registrar-proxy.js', ['--contact', `sip:127.0.0.1:${port};transport=udp,tcp`]);
  const output = await example.printed('Ctrl-C ends it');

  assert.match(output, new RegExp(`listens on\\s+udp/127\\.0\\.0\\.1:${port}`));
  assert.match(output, /register {2}alice: sip:alice@127\.0\.0\.1:\d+/);
  assert.match(output, /register {2}bob: sip:bob@127\.0\.0\.1:\d+/);
  assert.match(output, /call {6}alice → bob: answered/);
  const rungs = output.split('\n').filter((line) => /^ +\d+\.\d {3}│/.test(line));
  const labels = rungs.map((line) => line.replace(/^ +\d+\.\d/, '').replaceAll(/[│─►◄ ]+/g, ' ').trim());
  const hops = ['INVITE', 'INVITE', '180 Ringing', '180 Ringing', '200 OK', '200 OK', 'ACK', 'ACK', 'BYE', 'BYE', '200 OK', '200 OK'];
  assert.deepEqual(labels, hops);
  for (const line of output.split('\n')) assert.ok(line.length <= 80, `fits a terminal of 80 columns: ${line}`);

  assert.equal(await ask(port, 'OPTIONS', 'x'), 'SIP/2.0 200 OK');
  await example.stop();
});

test('a user nobody knows is 404, one without a phone 480', async () => {
  const port = await freePort();
  const example = runExample('registrar-proxy.js', ['--contact', `sip:127.0.0.1:${port};transport=udp`]);
  await example.printed('Ctrl-C ends it');

  assert.equal(await ask(port, 'INVITE', 'nobody'), 'SIP/2.0 404 Not Found');
  assert.equal(await ask(port, 'INVITE', 'bob'), 'SIP/2.0 480 Temporarily Unavailable');
  await example.printed('→ nobody: 404');
  await example.printed('→ bob: 480');
  await example.stop();
});

test('a REGISTER adds, lists and removes the bindings of a user', async () => {
  const port = await freePort();
  const example = runExample('registrar-proxy.js', ['--contact', `sip:127.0.0.1:${port};transport=udp`]);
  await example.printed('Ctrl-C ends it');
  const bindings = async (...headers) => {
    const answer = await exchange(port, request(port, 'REGISTER', 'carol', headers));
    const contacts = answer.split('\r\n').filter((line) => /^contact:/i.test(line));
    return [answer.split('\r\n')[0], contacts.join().replaceAll(/expires=\d+/g, 'expires=…').replace(/^contact:\s*/i, '')];
  };

  assert.deepEqual(await bindings(), ['SIP/2.0 200 OK', '']);
  assert.deepEqual(await bindings('Contact: <sip:c@127.0.0.1:1>;q=0.5', 'Expires: 60'), ['SIP/2.0 200 OK', '<sip:c@127.0.0.1:1>;expires=…']);
  assert.deepEqual(await bindings('Contact: <sip:c@127.0.0.1:2>;expires=60'), [
    'SIP/2.0 200 OK',
    '<sip:c@127.0.0.1:1>;expires=…, <sip:c@127.0.0.1:2>;expires=…',
  ]);
  assert.deepEqual(await bindings('Contact: <sip:c@127.0.0.1:1>;expires=0'), ['SIP/2.0 200 OK', '<sip:c@127.0.0.1:2>;expires=…']);
  assert.deepEqual(await bindings('Contact: *', 'Expires: 60'), ['SIP/2.0 400 Bad Request', '']);
  assert.deepEqual(await bindings('Contact: *', 'Expires: 0'), ['SIP/2.0 200 OK', '']);
  await example.stop();
});

test('a port that is taken is one clear line, and exit code 1', async () => {
  const taken = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address();
  const example = runExample('registrar-proxy.js', ['--contact', `sip:127.0.0.1:${port};transport=udp`]);
  assert.equal(await example.exited, 1);
  assert.match(example.output(), new RegExp(`^drachtio cannot start: .*127\\.0\\.0\\.1:${port}`));
  assert.doesNotMatch(example.output(), /^\s+at /m, 'no stack trace');
  taken.close();
});

test('the ladder is in the order of the times, and starts at zero', () => {
  const drawn = drawLadder([
    { from: 'bob', to: 'proxy', time: 1012, label: '200 OK' },
    { from: 'alice', to: 'proxy', time: 1000, label: 'OPTIONS' },
  ]);
  const rungs = drawn.split('\n').filter((line) => /\d/.test(line));
  assert.match(rungs[0], /^ +0\.0 {3}│─ OPTIONS ─+►│ +│$/);
  assert.match(rungs[1], /^ +12\.0 {3}│ +│◄─+ 200 OK ─│$/);
});

let number = 0;

function request(port, method, user, headers = []) {
  number += 1;
  return [
    `${method} sip:${user}@127.0.0.1:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK-${number}`,
    `From: <sip:${user}@127.0.0.1>;tag=t${number}`,
    `To: <sip:${user}@127.0.0.1>`,
    `Call-ID: call-${number}`,
    `CSeq: 1 ${method}`,
    'Max-Forwards: 70',
    ...(method === 'INVITE' ? ['Contact: <sip:dave@127.0.0.1:9>'] : []),
    ...headers,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

/** Sends one request and returns its final response. */
async function exchange(port, text) {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  try {
    socket.send(text, port, '127.0.0.1');
    for (;;) {
      const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(5000) });
      if (!answer.toString().startsWith('SIP/2.0 1')) return answer.toString();
    }
  } finally {
    socket.close();
  }
}

async function ask(port, method, user) {
  return (await exchange(port, request(port, method, user))).split('\r\n')[0];
}
