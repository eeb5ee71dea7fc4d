'use strict';
// Messages that applications make.

const test = require('node:test');
const assert = require('node:assert/strict');
const { SipMessage } = require('../..');

test('an empty message', () => {
  const msg = new SipMessage();
  assert.deepEqual([msg.type, msg.method, msg.status, msg.body, msg.raw], [undefined, undefined, undefined, '', undefined]);
  assert.deepEqual(Object.keys(msg.headers), []);
  assert.deepEqual(msg.payload, []);
});

test('a message of its parts; what is no part is left out', () => {
  const msg = new SipMessage({ method: 'OPTIONS', uri: 'sip:a@b.example', headers: { To: '<sip:a@b.example>', n: 1 }, body: 'x', colour: 'blue' });
  assert.equal(msg.type, 'request');
  assert.equal(msg.get('to'), '<sip:a@b.example>');
  assert.equal(msg.get('identity-info'), '1');
  assert.equal('colour' in msg, false);
  const res = new SipMessage({ status: 486, reason: 'Busy Here' });
  assert.deepEqual([res.type, res.status, res.reason], ['response', 486, 'Busy Here']);
});

test('a copy of a message has its own headers', () => {
  const msg = new SipMessage({ method: 'OPTIONS', uri: 'sip:a@b.example', headers: { 'X-A': 1 } });
  const copy = new SipMessage(msg);
  copy.set('X-B', 2);
  copy.method = 'INFO';
  assert.deepEqual([copy.get('x-a'), copy.method, copy.uri], ['1', 'INFO', 'sip:a@b.example']);
  assert.equal(msg.has('x-b'), false);
  assert.equal(msg.method, 'OPTIONS');
});

test('set appends, or replaces what there is one of, and returns the message', () => {
  const msg = new SipMessage();
  assert.equal(msg.set('Allow', 'INVITE').set('allow', 'BYE').set({ f: '<sip:a@b>', 'X-A': ['1', 2] }), msg);
  msg.set('From', '<sip:c@d>').set('X-B', undefined);
  assert.deepEqual({ ...msg.headers }, { allow: 'INVITE,BYE', from: '<sip:c@d>', 'X-A': '1,2' });
});

test('headers can be replaced as a whole', () => {
  const msg = new SipMessage({ headers: { 'X-A': 1 } });
  msg.headers = { 'X-B': 2 };
  assert.deepEqual({ ...msg.headers }, { 'X-B': '2' });
});

test('a text is a message; its lines may end with LF alone', () => {
  const msg = new SipMessage('OPTIONS sip:a@b.example SIP/2.0\nTo: x\n folded\nContent-Length: 2\n\nabc');
  assert.equal(msg.get('to'), 'x folded');
  assert.equal(msg.body, 'ab');
});

test('without a Content-Length the body is all there is', () => {
  assert.equal(new SipMessage('OPTIONS sip:a@b.example SIP/2.0\r\nTo: x\r\n\r\nab\r\n\r\ncd').body, 'ab\r\n\r\ncd');
  assert.equal(new SipMessage('OPTIONS sip:a@b.example SIP/2.0\r\nContent-Length: x\r\n\r\nab').body, 'ab');
  assert.equal(new SipMessage('OPTIONS sip:a@b.example SIP/2.0\r\nTo: x').body, '');
});

test('a text without a start line is an error', () => {
  for (const text of ['', 'garbage', 'OPTIONS', 'OPTIONS sip:a@b', 'OPTIONS sip:a@b HTTP/1.1', 'SIP/2.0 abc x', ' ', '\r\n']) {
    assert.throws(() => new SipMessage(text), { message: 'failed to parse sip message', code: 'DRT_ERR_INVALID_MESSAGE' }, text);
  }
});

test('the text of a message has a Content-Length in bytes', () => {
  const msg = new SipMessage({ method: 'MESSAGE', uri: 'sip:a@b.example', headers: { 'call-id': 'c1', 'Content-Length': 99, 'X-A': 1 }, body: 'grüße' });
  assert.equal(String(msg), 'MESSAGE sip:a@b.example SIP/2.0\r\nCall-ID: c1\r\nX-A: 1\r\nContent-Length: 7\r\n\r\ngrüße');
  assert.equal(String(new SipMessage({ status: 200 })), 'SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n');
  assert.equal(new SipMessage(String(msg)).body, 'grüße');
});

test('calledNumber is the user of the request-URI, or a telephone number', () => {
  const called = (uri) => new SipMessage({ method: 'INVITE', uri }).calledNumber;
  assert.equal(called('sip:1234@example.com'), '1234');
  assert.equal(called('sips:1234;phone-context=x@example.com;lr'), '1234');
  assert.equal(called('tel:+1-212;ext=5'), '+1-212');
  assert.equal(called('sip:example.com'), '');
  assert.equal(called('garbage'), '');
  assert.equal(new SipMessage({ status: 200 }).calledNumber, '');
});

test('callingNumber and callingName are of P-Asserted-Identity, or else of From', () => {
  const from = '"Alice \\"A\\" Smith" <sip:alice@example.com>;tag=1';
  const plain = new SipMessage({ headers: { From: from } });
  assert.deepEqual([plain.callingNumber, plain.callingName], ['alice', 'Alice "A" Smith']);
  const asserted = new SipMessage({ headers: { From: from, 'P-Asserted-Identity': 'Al <tel:+333>' } });
  assert.deepEqual([asserted.callingNumber, asserted.callingName], ['+333', 'Al']);
  const neither = new SipMessage();
  assert.deepEqual([neither.callingNumber, neither.callingName], ['', '']);
});

test('canFormDialog is true of an INVITE or SUBSCRIBE without a To tag', () => {
  const can = (method, to) => new SipMessage({ method, uri: 'sip:a@b', headers: { To: to } }).canFormDialog;
  assert.equal(can('INVITE', '<sip:a@b>'), true);
  assert.equal(can('SUBSCRIBE', '<sip:a@b>'), true);
  assert.equal(can('INVITE', '<sip:a@b>;tag=1'), false);
  assert.equal(can('OPTIONS', '<sip:a@b>'), false);
});

test('blanks around a name and a value are spaces and tabs; anything else is a part of them, as for the engine', () => {
  const msg = new SipMessage('OPTIONS sip:a SIP/2.0\r\nX-Priv\v: 1\r\nX-Own \t:\t 2 \r\nX-Odd: \u00a0\v3\f\r\n\r\n');
  assert.deepEqual({ ...msg.headers }, { 'X-Priv\v': '1', 'X-Own': '2', 'X-Odd': '\u00a0\v3\f' });
});
