'use strict';
// parseUri and stringifyUri.

const test = require('node:test');
const assert = require('node:assert/strict');
const { parseUri, stringifyUri } = require('../..');

const NONE = { user: undefined, password: undefined, port: NaN, params: {}, headers: {} };

test('SIP URIs', () => {
  assert.deepEqual(parseUri('sip:alice@10.0.0.1:5060;transport=tcp;lr?Subject=x&y=z'), {
    ...NONE, family: 'ipv4', scheme: 'sip', schema: 'sip', user: 'alice', host: '10.0.0.1', port: 5060, params: { transport: 'tcp', lr: null }, headers: { Subject: 'x', y: 'z' },
  });
  assert.deepEqual(parseUri('sips:bob:pw@example.com'), { ...NONE, family: 'ipv4', scheme: 'sips', schema: 'sips', user: 'bob', password: 'pw', host: 'example.com' });
});

test('a host of one label, with parameters and without', () => {
  assert.equal(parseUri('sip:a@localhost').host, 'localhost');
  const uri = parseUri('sip:a@localhost;transport=tcp');
  assert.deepEqual([uri.host, uri.params], ['localhost', { transport: 'tcp' }]);
  assert.deepEqual([parseUri('sip:localhost:5070').host, parseUri('sip:localhost:5070').port], ['localhost', 5070]);
});

test('an IPv6 host keeps its brackets', () => {
  const uri = parseUri('sip:a@[2001:db8::1]:5070;lr');
  assert.deepEqual([uri.family, uri.host, uri.port, uri.params], ['ipv6', '[2001:db8::1]', 5070, { lr: null }]);
  assert.equal(parseUri('sip:[::1]').host, '[::1]');
});

test('the user part may hold parameters and what is escaped', () => {
  assert.equal(parseUri('sip:+1555;phone-context=x@h.example;lr').user, '+1555;phone-context=x');
  assert.equal(parseUri('sip:al%20ice@h.example').user, 'al%20ice');
});

test('telephone numbers', () => {
  assert.deepEqual(parseUri('tel:+1-212;phone-context=+1;x'), {
    scheme: 'tel', schema: 'tel', number: '+1-212', context: '+1', params: { 'phone-context': '+1', x: null },
  });
  assert.equal(parseUri('tel:911').context, null);
});

test('the scheme is in any case, angle brackets are taken off', () => {
  assert.equal(parseUri('SIP:a@b.example').scheme, 'sip');
  assert.equal(parseUri('<sip:a@b.example>').host, 'b.example');
  assert.equal(parseUri(' sip:a@b.example ').host, 'b.example');
});

test('a URI that is parsed comes back as it is', () => {
  const uri = parseUri('sip:a@b.example');
  assert.equal(parseUri(uri), uri);
});

test('what is no such URI is undefined', () => {
  for (const text of ['', 'a', 'sip:', 'sip:@h', 'sip:a@', 'sip:a b@c', 'http://x', 'mailto:a@b', 'sip:h:port', 'sip:h:', 'sip:[::1', 'sip:[::1]x', 'sip:h<x>', 'tel:', 'tel:;x', 'sip:h:123456', undefined, null, 5]) {
    assert.equal(parseUri(text), undefined, String(text));
  }
});

test('a text of 60 kB comes to an end', () => {
  for (const piece of ['a', ':', '@', ';', '?', '&', '=', '[', 'a.', 'a@', ';a=b']) {
    const text = `sip:${piece.repeat(60_000 / piece.length)}`;
    const uri = parseUri(text);
    assert.ok(uri === undefined || uri.host.length > 0);
  }
});

test('stringifyUri is the way back', () => {
  for (const text of ['sip:alice@10.0.0.1:5060;transport=tcp;lr?Subject=x&y=z', 'sips:bob:pw@example.com', 'sip:a@[::1]:5070;lr', 'tel:+1-212;phone-context=+1;x', 'sip:localhost', 'sip:bob:@h']) {
    assert.equal(stringifyUri(parseUri(text)), text);
  }
});

test('stringifyUri takes what there is', () => {
  assert.equal(stringifyUri({ host: 'h.example' }), 'sip:h.example');
  assert.equal(stringifyUri({ schema: 'sips', user: 'a', host: '::1', params: { lr: null, x: undefined } }), 'sips:a@[::1];lr;x');
});
