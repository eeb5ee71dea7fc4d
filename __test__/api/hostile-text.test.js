'use strict';
// Whatever a peer writes into headers and bodies: the parsers come to an end with it in a time that grows with its length alone, and
// do not throw. One that took the square of the length would not get through this file.

const test = require('node:test');
const assert = require('node:assert/strict');
const { drachtio } = require('./support/harness');
const { PARSERS } = require('../../lib/headers/parsers');
const { parsePayload } = require('../../lib/headers/multipart');

const LENGTH = 64 * 1024;

/** What is repeated, and what stands before it. */
const PIECES = [
  ...['"', '\\', '"\\', '"a"', '<', '>', '<>', ',', ';', '=', 'a=', ';a=b', ' ', '\t', ' a', '/', 'a/', '@', ':', '[', ']', '?', '&', '%', '-', 'x', '9'],
  ...['\r\n ', '\n', '\r', '--b\r\n', '--b', '\n--b ', '<sip:a;b>,', '"a" <b>,', 'SIP/2.0/UDP a,', 'Digest a="b",', 'Digest ', '\0', 'é ', '__proto__=a;', 'a b,'],
];
const BEGINNINGS = ['', '"', '<', 'sip:a@', 'SIP/2.0/UDP ', 'Digest a="'];

function texts() {
  return PIECES.flatMap((piece) => BEGINNINGS.map((beginning) => (beginning + piece.repeat(LENGTH / piece.length)).slice(0, LENGTH)));
}

for (const [name, parse] of PARSERS) {
  test(`the parser of ${name}`, () => {
    for (const text of texts()) parse(text);
  });
}

test('a URI', () => {
  for (const text of texts()) drachtio.parseUri(text);
});

test('a body of many parts', () => {
  for (const text of texts()) {
    const parts = parsePayload('multipart/mixed;boundary=b', text);
    assert.ok(parts.length <= 16);
    parsePayload(`multipart/mixed;${text}`, '--b\r\n\r\n--b--');
  }
});

test('a message', () => {
  for (const text of texts()) {
    const msg = new drachtio.SipMessage(`INVITE sip:a@b SIP/2.0\r\nTo: ${text}\r\nFrom: ${text}\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n${text}`);
    void [msg.callingName, msg.callingNumber, msg.calledNumber, msg.canFormDialog, msg.payload, msg.toString(), JSON.stringify(msg)];
  }
});

test('nothing that a peer names becomes a property of all objects', () => {
  const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];
  const before = Object.getOwnPropertyNames(Object.prototype).length;
  const params = names.map((name) => `${name}=polluted`);
  const msg = new drachtio.SipMessage(['INVITE sip:a@b SIP/2.0', ...names.map((name) => `${name}: polluted`), '', ''].join('\r\n'));
  for (const name of names) assert.equal(msg.get(name), 'polluted', name);
  for (const parse of PARSERS.values()) parse(`Digest ${params.join(', ')};${params.join(';')}`);
  const uri = drachtio.parseUri(`sip:a@b;${params.join(';')}?${params.join('&')}`);
  for (const name of names) {
    assert.deepEqual([Object.hasOwn(uri.params, name), Object.hasOwn(uri.headers, name)], [true, true], name);
    assert.equal(Object.getPrototypeOf(uri.params), Object.prototype);
  }
  msg.set(Object.fromEntries(names.map((name) => [name, 'again'])));
  assert.equal({}.polluted, undefined);
  assert.equal(Object.getOwnPropertyNames(Object.prototype).length, before);
  assert.equal(String({}), '[object Object]');
});
