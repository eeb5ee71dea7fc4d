'use strict';
// Bad input: each gets a proper SIP error or silence, as the RFC says, and after each the next call works.

const assert = require('node:assert/strict');
const { randomBytes } = require('node:crypto');
const { after, before } = require('node:test');
const { sipp, sippTest } = require('./sipp');
const { freePort, startApp, whatIsLeft } = require('./app');
const { overTcp, overUdp, request } = require('./wire');

const KB64 = 'x'.repeat(64 * 1024);
const tooMany = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`X${i}`, '1']));
const tcp = (options) => request({ transport: 'TCP', ...options });

/** What is sent as one datagram, and what may come back: `''` is silence. */
const datagrams = [
  ['bytes that mean nothing', () => randomBytes(800), ['']],
  ['nothing at all', () => '', ['']],
  ['a keep-alive', () => '\r\n\r\n', ['']],
  ['a line of text', () => 'hello\r\n\r\n', ['']],
  ['half a start line', () => 'OPTIONS sip:ap', ['']],
  ['a message cut off in its Via', () => request().slice(0, 60), ['']],
  ['a message cut off in its headers', () => request().slice(0, request().indexOf('Call-ID')), ['400']],
  ['a message without To', () => request({ headers: { To: null } }), ['400']],
  ['a message without Via', () => request({ headers: { Via: null } }), ['']],
  ['a CSeq of another method', () => request({ headers: { CSeq: '1 BYE' } }), ['400']],
  ['a CSeq beyond its range', () => request({ headers: { CSeq: '99999999999 OPTIONS' } }), ['400']],
  ['another version', () => request({ version: 'SIP/7.0' }), ['505']],
  ['a header of nearly 64 kB', () => request({ headers: { Subject: KB64.slice(0, 64_000) } }), ['400', '413', '513']],
  ['5,000 headers', () => request({ headers: tooMany(5000) }), ['400', '413', '513']],
  ['a Content-Length beyond the datagram', () => request({ body: 'abc', headers: { 'Content-Length': '4000' } }), ['400']],
  ['a Content-Length that is negative', () => request({ headers: { 'Content-Length': '-1' } }), ['400']],
  ['a Content-Length that is no number', () => request({ headers: { 'Content-Length': 'many' } }), ['400']],
  ['two Content-Lengths', () => request({ headers: { 'content-length': '7' } }), ['400']],
  ['a Content-Length short of the datagram', () => request({ body: 'abcdef', headers: { 'Content-Length': '3' } }), ['200']],
  ['an unknown method', () => request({ method: 'FROBNICATE' }), ['405', '501']],
  ['an ACK of no transaction', () => request({ method: 'ACK' }), ['']],
  ['a BYE of no dialog', () => request({ method: 'BYE', headers: { To: '<sip:app@127.0.0.1>;tag=gone' } }), ['481']],
  ['an INVITE of no dialog', () => request({ method: 'INVITE', headers: { To: '<sip:app@127.0.0.1>;tag=gone' } }), ['481']],
  ['a CANCEL of no transaction', () => request({ method: 'CANCEL' }), ['481']],
  ['a response of no transaction', () => request().replace(/^.*/, 'SIP/2.0 200 OK'), ['']],
];

/** What is written on one connection, in chunks, what may come back, and whether the connection has to end. */
const streams = [
  ['bytes that mean nothing', () => [randomBytes(20_000)], [''], true],
  ['a keep-alive', () => ['\r\n\r\n'], [''], false],
  ['half a message, and no more', () => [tcp().slice(0, 120)], [''], false],
  ['a message split at every byte', () => tcp().split(''), ['200'], false],
  ['a message without To', () => [tcp({ headers: { To: null } })], ['400']],
  ['a header of 64 kB', () => [tcp({ headers: { Subject: KB64 } })], ['400', '413', '513', ''], true],
  ['a header without end', () => Array.from({ length: 40 }, () => KB64), [''], true],
  ['10,000 headers', () => [tcp({ headers: tooMany(10_000) })], ['400', '413', '513', ''], true],
  ['a Content-Length that is no number', () => [tcp({ headers: { 'Content-Length': 'many' } })], ['400', ''], true],
  ['a Content-Length that is negative', () => [tcp({ headers: { 'Content-Length': '-5' } })], ['400', ''], true],
  ['a Content-Length of 4 GB', () => [tcp({ headers: { 'Content-Length': '4294967295' } })], ['400', '413', '513', ''], true],
  ['no Content-Length', () => [tcp({ headers: { 'Content-Length': null } })], ['400', '200', '']],
  ['an unknown method', () => [tcp({ method: 'FROBNICATE' })], ['405', '501'], false],
  ['a BYE of no dialog', () => [tcp({ method: 'BYE', headers: { To: '<sip:app@127.0.0.1>;tag=gone' } })], ['481'], false],
  ['a response of no transaction', () => [tcp().replace(/^.*/, 'SIP/2.0 200 OK')], [''], false],
  ['a good message behind a good one', () => [tcp() + tcp()], ['200 200'], false],
];

let uas;

before(async () => {
  uas = await startApp((app) => {
    app.options((req, res) => res.send(200));
    app.invite((req, res) => res.send(req.callingNumber === 'caller' ? 200 : 486));
    app.bye((req, res) => res.send(200));
  });
});

after(() => uas.stop());

for (const [name, text, expected] of datagrams) {
  sippTest(`udp: ${name}`, async () => {
    const heard = await overUdp(uas.port, [text()]);
    expectOneOf(expected, heard);
    await nextCallWorks('udp');
  });
}

for (const [name, chunks, expected, closes] of streams) {
  sippTest(`tcp: ${name}`, async () => {
    const { heard, closed } = await overTcp(uas.port, chunks());
    expectOneOf(expected, heard);
    if (closes !== undefined) assert.equal(closed, closes, 'whether the connection was closed');
    await nextCallWorks('tcp');
  });
}

sippTest('bad input by the thousand leaves nothing behind', async () => {
  const texts = Array.from({ length: 3000 }, (_, i) => {
    const text = Buffer.from(request({ method: i % 2 ? 'INVITE' : 'OPTIONS', body: 'v=0' }), 'latin1');
    for (let flips = 0; flips < 1 + (i % 9); flips += 1) text[(i * 7919 + flips * 104_729) % text.length] = (i + flips * 31) % 256;
    return text;
  });
  for (let i = 0; i < texts.length; i += 500) await overUdp(uas.port, texts.slice(i, i + 500));
  await nextCallWorks('udp');
  await nextCallWorks('tcp');
  assert.deepEqual(await whatIsLeft(uas.app), {}, 'engine tables that are not empty');
});

function expectOneOf(expected, heard) {
  const finals = heard.filter((status) => status !== '100').join(' ');
  assert.ok(expected.includes(finals), `heard “${finals}”, not one of “${expected.join('”, “')}”`);
}

async function nextCallWorks(transport) {
  const values = { user: 'app', talk: 0 };
  const call = sipp({ scenario: 'caller', values, transport, target: uas.address, port: await freePort(), seconds: 10 });
  const outcome = await call.finished;
  assert.ok(outcome.ok, outcome.log);
}
