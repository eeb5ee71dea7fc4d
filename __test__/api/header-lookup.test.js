'use strict';
// Finding headers of a message: before and after the table of headers has been made.

const test = require('node:test');
const assert = require('node:assert/strict');
const { inspect } = require('node:util');
const { execFileSync } = require('node:child_process');
const { frameOf, FakeEngine, drachtio } = require('./support/harness');
const { WireNames } = require('../../lib/headers/wire_names');
const { fromFrame } = require('../../lib/sip_message');

const { SipMessage } = drachtio;

const TEXT = [
  'INVITE sip:bob@example.com SIP/2.0',
  'v: SIP/2.0/UDP 10.0.0.1;branch=z1',
  'VIA: SIP/2.0/TCP h.example;branch=z2 , SIP/2.0/TLS i.example;branch=z3',
  'f: "Älice" <sip:alice@example.com>;tag=a1',
  'To: <sip:bob@example.com>',
  'i: call-1',
  'CSeq: 314159 INVITE',
  'X-Custom: One',
  'x-custom: Two',
  'Diversion: <sip:x@y>',
  'Subject: first line',
  ' second\tline',
  'constructor: c',
  '__proto__: p',
  'o: presence',
  'Empty:',
  'l: 6',
  '',
  'hélloX',
].join('\r\n');

/** The same message as it comes from the engine, and as one string. */
const wire = () => fromFrame(...frameOf(TEXT), new WireNames(FakeEngine.headerNames));
const table = () => {
  const msg = wire();
  assert.ok(msg.headers);
  return msg;
};
const sources = { wire, table, text: () => new SipMessage(TEXT) };

for (const [name, make] of Object.entries(sources)) {
  test(`${name}: a header is found in any case and by its compact form`, () => {
    const msg = make();
    for (const alias of ['Call-ID', 'call-id', 'CALL-ID', 'i', 'I']) {
      assert.equal(msg.get(alias), 'call-1', alias);
      assert.equal(msg.has(alias), true, alias);
    }
    for (const alias of ['From', 'f']) assert.equal(msg.get(alias), '"Älice" <sip:alice@example.com>;tag=a1');
    for (const alias of ['X-Custom', 'x-custom', 'X-CUSTOM']) assert.equal(msg.get(alias), 'One,Two', alias);
    assert.equal(msg.get('diversion'), '<sip:x@y>');
    assert.equal(msg.get('event'), 'presence');
    assert.equal(msg.get('o'), 'presence');
    assert.equal(msg.get('empty'), '');
    assert.equal(msg.has('empty'), true);
  });

  test(`${name}: values of several lines are joined, values on several lines are one`, () => {
    const msg = make();
    assert.equal(msg.get('via'), 'SIP/2.0/UDP 10.0.0.1;branch=z1,SIP/2.0/TCP h.example;branch=z2 , SIP/2.0/TLS i.example;branch=z3');
    assert.equal(msg.get('subject'), 'first line second\tline');
  });

  test(`${name}: what is not there is undefined`, () => {
    const msg = make();
    for (const absent of ['contact', 'm', 'X-Other', 'hasOwnProperty', 'toString', 'valueOf', '']) {
      assert.equal(msg.get(absent), undefined, absent);
      assert.equal(msg.has(absent), false, absent);
      assert.equal(msg.getParsedHeader(absent), undefined, absent);
    }
  });

  test(`${name}: names that objects have of themselves are names like any other`, () => {
    const msg = make();
    assert.equal(msg.get('constructor'), 'c');
    assert.equal(msg.get('__proto__'), 'p');
    assert.equal(msg.headers.constructor, 'c');
    assert.ok(Object.keys(msg.headers).includes('__proto__'));
    delete msg.headers.constructor;
    assert.equal(msg.headers.constructor, undefined);
  });

  test(`${name}: the table can be asked what any object can, and be printed`, () => {
    const { headers } = make();
    // As applications write it.
    const has = (name) => Reflect.apply(headers.hasOwnProperty, headers, [name]);
    assert.deepEqual(['from', 'nope', 'toString'].map(has), [true, false, false]);
    assert.equal(`${headers}`, '[object Object]');
    assert.match(inspect(headers), /^\{\s+via: /);
    assert.equal('tostring' in headers, false);
  });

  test(`${name}: the table has names in lower case, except X- and Diversion`, () => {
    assert.deepEqual(Object.keys(make().headers), [
      ...['via', 'from', 'to', 'call-id', 'cseq', 'X-Custom', 'Diversion', 'subject'],
      ...['constructor', '__proto__', 'event', 'empty', 'content-length'],
    ]);
  });

  test(`${name}: the start line and the body, which Content-Length measures in bytes`, () => {
    const msg = make();
    assert.equal(msg.type, 'request');
    assert.equal(msg.method, 'INVITE');
    assert.equal(msg.uri, 'sip:bob@example.com');
    assert.equal(msg.version, '2.0');
    assert.equal(msg.body, 'hello'.replace('e', 'é'));
    assert.equal(msg.raw, TEXT);
  });
}

test('the name of a header as it is written in the table', () => {
  for (const make of Object.values(sources)) {
    const names = ['CALL-ID', 'i', 'x-custom', 'diversion', 'o', 'X-None', '__proto__'].map((name) => make().getHeaderName(name));
    assert.deepEqual(names, ['call-id', 'call-id', 'X-Custom', 'Diversion', 'event', undefined, '__proto__']);
  }
  assert.equal(new drachtio.Request(wire()).getHeaderName('FROM'), 'from');
  assert.equal(new drachtio.Response().getHeaderName('from'), undefined);
});

test('names that the environment lists stay as they are written', () => {
  const program = `
    const { FakeEngine, frameOf, drachtio } = require('./support/harness');
    const { WireNames } = require('../../lib/headers/wire_names');
    const { fromFrame } = require('../../lib/sip_message');
    const text = 'OPTIONS sip:a SIP/2.0\\r\\nf: <sip:a>\\r\\nSESSION-Expires: 90\\r\\nP-Own: 1\\r\\np-own: 2\\r\\nSubject: s\\r\\n\\r\\n';
    const messages = [fromFrame(...frameOf(text), new WireNames(FakeEngine.headerNames)), new drachtio.SipMessage(text)];
    console.log(JSON.stringify(messages.map((m) => [m.headers, m.get('session-expires'), m.get('P-OWN'), m.getHeaderName('p-own')])));
  `.replaceAll('\\\\', '\\');
  const stdout = execFileSync(process.execPath, ['-e', program], {
    cwd: __dirname,
    encoding: 'utf8',
    env: { ...process.env, DRACHTIO_PRESERVE_HEADER_NAMES: 'Session-Expires, P-Own,from' },
  });
  const expected = [{ from: '<sip:a>', 'SESSION-Expires': '90', 'P-Own': '1,2', subject: 's' }, '90', '1,2', 'P-Own'];
  assert.deepEqual(JSON.parse(stdout), [expected, expected]);
});

test('what is changed in the table is what is found', () => {
  const msg = wire();
  msg.headers['X-New'] = 'n';
  delete msg.headers.subject;
  msg.headers['call-id'] = 'call-2';
  assert.equal(msg.get('x-new'), 'n');
  assert.equal(msg.has('subject'), false);
  assert.equal(msg.get('i'), 'call-2');
});

test('bytes that are not UTF-8 come as Latin-1, each header and the body by itself', () => {
  const bytes = Buffer.concat([
    Buffer.from('MESSAGE sip:a@b.example SIP/2.0\r\nFrom: "Älice" <sip:a@b>\r\nTo: '),
    Buffer.from('"Bärt" <sip:c@d>\r\n\r\n', 'latin1'),
    Buffer.from([0xe4, 0xff]),
  ]);
  const msg = fromFrame(...frameOf(bytes), new WireNames(FakeEngine.headerNames));
  assert.equal(msg.get('from'), '"Älice" <sip:a@b>');
  assert.equal(msg.get('to'), '"Bärt" <sip:c@d>');
  assert.equal(msg.body, 'äÿ');
});

test('a response', () => {
  const msg = fromFrame(...frameOf('SIP/2.0 183 Session Progress\r\nCSeq: 1 INVITE'), new WireNames(FakeEngine.headerNames));
  assert.deepEqual([msg.type, msg.status, msg.reason, msg.method, msg.uri, msg.body], ['response', 183, 'Session Progress', undefined, undefined, '']);
  const bare = fromFrame(...frameOf('SIP/2.0 200 \r\nCSeq: 1 INVITE'), new WireNames(FakeEngine.headerNames));
  assert.deepEqual([bare.status, bare.reason], [200, '']);
});
