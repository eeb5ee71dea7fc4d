'use strict';
// drachtio-server §1.1-1.5: whatever is sent to the port of applications, the server stays up and the others notice nothing.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { SECRET, connect, startServer, station } = require('./support');
const { RawApplication, frame } = require('./raw_application');
const { numbers } = require('../support/numbers');

/** A server with an application that must not be disturbed, and a function that makes sure of it. */
async function guarded(t, options) {
  const started = await startServer(t, options);
  const srf = await connect(t, started.port, 'drachtio-srf', {
    handlers: { options: (req, res) => res.send(200, { headers: { 'X-Said': req.get('X-Say') } }) },
  });
  const caller = await station(t);
  let count = 0;
  const undisturbed = async () => {
    const said = String(++count);
    const res = await new Promise((resolve, reject) => {
      const options = { method: 'OPTIONS', headers: { 'X-Say': said } };
      caller.srf.request(`sip:${started.address}`, options, (err, req) => (err ? reject(err) : req.on('response', resolve)));
    });
    assert.deepEqual([res.status, res.get('X-Said')], [200, said]);
  };
  return { ...started, srf, undisturbed };
}

test('frames are read wherever they are split', async (t) => {
  const { port } = await startServer(t);
  const stream = Buffer.concat([`a|authenticate|${SECRET}|`, 'b|route|invite', 'c|ping', 'd|ping', 'e|remove_route|invite'].map(frame));
  for (let split = 1; split < stream.length; split++) {
    const raw = await RawApplication.open(undefined, port);
    raw.socket.setNoDelay(true);
    raw.socket.write(stream.subarray(0, split));
    await new Promise((resolve) => setImmediate(resolve));
    raw.socket.write(stream.subarray(split));
    assert.match(await raw.reply('a'), /^OK\|udp\/127/);
    for (const [id, said] of [['b', 'OK'], ['c', 'OK|pong'], ['d', 'OK|pong'], ['e', 'OK']]) assert.equal(await raw.reply(id), said);
    raw.socket.destroy();
  }
});

test('byte by byte, too', async (t) => {
  const { port } = await startServer(t);
  const raw = await RawApplication.open(t, port);
  raw.socket.setNoDelay(true);
  for (const byte of Buffer.concat([frame(`a|authenticate|${SECRET}|x`), frame('b|ping')])) {
    raw.socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.match(await raw.reply('a'), /^OK/);
  assert.equal(await raw.reply('b'), 'OK|pong');
});

test('nothing is done for one that has not shown the secret', async (t) => {
  const { port, server, undisturbed } = await guarded(t);
  const draft = 'OPTIONS sip:a@127.0.0.1 SIP/2.0\r\n\r\n';
  for (const payload of ['1|route|options', '1|ping', `1|sip||\r\n${draft}`, '1|proxy|t||||||', '1|remove_route|options']) {
    const raw = await RawApplication.open(t, port);
    raw.say(payload);
    raw.say(`2|authenticate|${SECRET}|`);
    assert.match(await raw.reply('1'), /^NO\|/);
    await raw.ended();
    assert.equal(await raw.reply('2'), undefined);
  }
  const wrong = await RawApplication.open(t, port);
  wrong.say('1|authenticate|wrong|');
  assert.equal(await wrong.reply('1'), 'NO|incorrect secret');
  await wrong.ended();
  assert.equal(server.census().applications, 1);
  await undisturbed();
});

test('one that does not say who it is is sent away, and there may not be many of them', async (t) => {
  const { port, server, undisturbed } = await guarded(t, { admin: { limits: { unauthenticated: 3, authenticationTimeout: 300 } } });
  const silent = [];
  for (let n = 0; n < 3; n++) silent.push(await RawApplication.open(t, port));
  while (server.census().unauthenticated < 3) await new Promise((resolve) => setTimeout(resolve, 2));
  await (await RawApplication.open(t, port)).ended();
  for (const raw of silent) await raw.ended();
  while (server.census().unauthenticated > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  await RawApplication.join(t, port);
  await undisturbed();
});

test('what is no frame, or too large, ends its connection and no other', async (t) => {
  const { port, undisturbed } = await guarded(t);
  for (const bytes of ['hello', '#', '-1#x', '12x#', '99999999#', '9999999#', 'GET / HTTP/1.1\r\n\r\n', '\u0016\u0003\u0001']) {
    const stranger = await RawApplication.open(t, port);
    stranger.socket.write(bytes);
    await stranger.ended();
    const known = await RawApplication.join(t, port);
    known.socket.write(bytes);
    await known.ended();
  }
  // A stranger may not announce what a known one may.
  const stranger = await RawApplication.open(t, port);
  stranger.socket.write('20000#');
  await stranger.ended();
  await undisturbed();
});

test('combinations without a meaning are answered', async (t) => {
  const { port, undisturbed } = await guarded(t);
  const unknown = '00112233-4455-6677-8899-aabbccddeeff';
  const cases = [
    // [payload, reply, whether the connection goes on]
    ['1', undefined, false],
    ['1|dance', 'NO|Unknown message type', false],
    ['1|sip', /^NO\|/, false],
    ['1|route', /^NO\|/, false],
    ['1|authenticate', /^NO\|/, false],
    ['1|proxy|t', 'NO|Invalid proxy request: not enough information provided', false],
    ['1|sip||\r\nSIP/2.0 200 OK\r\n\r\n', 'NO|transaction id missing', false],
    [`1|sip|${unknown}|\r\nSIP/2.0 200 OK\r\n\r\n`, 'NOK|Response not sent due to unknown transaction', true],
    ['1|sip|nonsense|\r\nSIP/2.0 200 OK\r\n\r\n', 'NOK|Response not sent due to unknown transaction', true],
    [`1|sip|${unknown}|\r\nINVITE sip:a@127.0.0.1 SIP/2.0\r\n\r\n`, /^NOK\|/, true],
    [`1|sip|${unknown}|\r\nCANCEL sip:a@127.0.0.1 SIP/2.0\r\n\r\n`, `NOK|unable to cancel unknown transaction id: ${unknown}`, true],
    ['1|sip||nobody;from-tag=1\r\nBYE sip:placeholder SIP/2.0\r\n\r\n', 'NOK|Server error: unable to find dialog for dialog id provided', true],
    ['1|sip||nobody;from-tag=1\r\nACK sip:placeholder SIP/2.0\r\n\r\n', 'NOK|Server error: ACK for non-success final response is automatically generated by server', true],
    ['1|sip||\r\n', /^NOK\|/, true],
    ['1|sip||\r\nFROB nicate\r\n\r\n', /^NOK\|invalid request-uri: FROB nicate/, true],
    ['1|sip||\r\nOPTIONS sip:a@127.0.0.1;transport=sctp SIP/2.0\r\n\r\n', /^NOK\|/, true],
    [`1|proxy|${unknown}|||||1x||sip:a@b\r\nINVITE sip:a@b SIP/2.0\r\n\r\n`, /^NOK\|/, true],
    [`1|proxy|${unknown}||||||${'|sip:a@127.0.0.1'.repeat(200)}\r\nINVITE sip:a@b SIP/2.0\r\n\r\n`, `NOK|Unknown transaction id: ${unknown}`, true],
    ['1|route|', 'OK', true],
    ['1|remove_route|never', 'OK', true],
  ];
  for (const [payload, expected, goesOn] of cases) {
    const raw = await RawApplication.join(t, port);
    raw.say(payload);
    raw.say('2|ping');
    const reply = expected === undefined ? undefined : await raw.reply('1');
    if (expected instanceof RegExp) assert.match(reply, expected, payload);
    else assert.equal(reply, expected, payload);
    assert.equal(await raw.reply('2'), goesOn ? 'OK|pong' : undefined, payload);
    raw.socket.destroy();
  }
  await undisturbed();
});

test('applications with the same ids get their own answers only', async (t) => {
  const { port } = await startServer(t);
  const all = await Promise.all(Array.from({ length: 8 }, () => RawApplication.join(t, port)));
  for (let round = 0; round < 50; round++) {
    for (const [at, raw] of all.entries()) {
      if ((round + at) % 2 === 0) raw.say(`${round}|ping`);
      else raw.say(`${round}|sip||dialog-${at};from-tag=1\r\nBYE sip:placeholder SIP/2.0\r\n\r\n`);
    }
  }
  for (const [at, raw] of all.entries()) {
    for (let round = 0; round < 50; round++) {
      const expected = (round + at) % 2 === 0 ? 'OK|pong' : 'NOK|Server error: unable to find dialog for dialog id provided';
      assert.equal(await raw.reply(String(round)), expected);
    }
  }
});

test('noise of any kind, with or without the secret, disturbs nobody', async (t) => {
  const seed = Number(process.env.SEED ?? 1);
  t.diagnostic(`seed ${seed}`);
  const { port, server, undisturbed } = await guarded(t);
  const pick = numbers(seed);
  const kinds = ['authenticate', 'route', 'remove_route', 'ping', 'sip', 'proxy', 'response', 'cdr:start', ''];
  const bits = [SECRET, '', '|', '\r\n', 'invite', 'INVITE sip:a@127.0.0.1 SIP/2.0\r\n', 'SIP/2.0 200 OK\r\n', '\r\n\r\n', 'é', '\0', '#', 'Call-ID: |a|b\r\n', '00112233-4455-6677-8899-aabbccddeeff'];
  for (let round = 0; round < 150; round++) {
    const raw = pick(2) === 0 ? await RawApplication.open(undefined, port) : await RawApplication.join(undefined, port);
    for (let n = pick(6); n >= 0; n--) {
      const words = Array.from({ length: pick(12) }, () => bits[pick(bits.length)]);
      const payload = `${n}|${kinds[pick(kinds.length)]}|${words.join(pick(2) ? '|' : '')}`;
      const bytes = pick(5) === 0 ? Buffer.from(payload) : frame(payload);
      raw.socket.write(pick(7) === 0 ? bytes.subarray(0, pick(bytes.length + 1)) : bytes);
    }
    if (pick(3) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    if (pick(2) === 0) raw.socket.resetAndDestroy();
    else raw.socket.end();
    if (round % 30 === 29) await undisturbed();
  }
  while (server.census().applications > 1) await new Promise((resolve) => setTimeout(resolve, 5));
  await undisturbed();
});

test('an application that asks for much before it reads gets it all', async (t) => {
  const { port } = await startServer(t, { admin: { limits: { commands: 100 } } });
  const raw = await RawApplication.join(t, port);
  raw.socket.pause();
  const count = 3_000;
  for (let n = 0; n < count; n++) raw.say(`m${n}|route|options`);
  raw.socket.resume();
  for (let n = 0; n < count; n++) assert.equal(await raw.reply(`m${n}`), 'OK');
});

test('a bar in a Call-ID shifts no token, and the dialog is found again', async (t) => {
  const { port, address } = await startServer(t);
  const raw = await RawApplication.join(t, port, { routes: ['invite'] });
  const caller = await station(t);
  const callId = 'a|b%7Cc|';
  caller.srf.request(`sip:bob@${address}`, { method: 'INVITE', headers: { 'Call-ID': callId }, body: 'v=0\r\n' }, (err, req) => {
    req.on('response', (res, ack) => ack());
  });
  const invite = await raw.hear((text) => text.startsWith('sip|network|'));
  const tokens = invite.slice(0, invite.indexOf('\r\n')).split('|');
  assert.equal(tokens.length, 12);
  const transaction = tokens[7];
  raw.say(`1|sip|${transaction}|\r\nSIP/2.0 200 OK\r\n\r\n`);
  const sent = await raw.reply('1');
  const dialog = sent.slice(0, sent.indexOf('\r\n')).split('|')[8];
  assert.match(dialog, /^a%7Cb%257Cc%7C;from-tag=/);
  raw.say(`2|sip||${dialog}\r\nBYE sip:placeholder SIP/2.0\r\n\r\n`);
  assert.match(await raw.reply('2'), /^OK\|application\|/);
});
