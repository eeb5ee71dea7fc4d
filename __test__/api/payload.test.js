'use strict';
// The parts of a body.

const test = require('node:test');
const assert = require('node:assert/strict');
const { SipMessage } = require('../..');
const { MAX_PARTS } = require('../../lib/headers/multipart');

const payload = (type, body) => new SipMessage({ method: 'INVITE', uri: 'sip:a@b', headers: { 'Content-Type': type }, body }).payload;
const lines = (...parts) => parts.join('\r\n');

test('a body that is not multipart is one part', () => {
  assert.deepEqual(payload('application/sdp', 'v=0'), [{ type: 'application/sdp', content: 'v=0' }]);
  assert.deepEqual(payload(undefined, 'v=0'), [{ type: undefined, content: 'v=0' }]);
  assert.deepEqual(payload('application/sdp', ''), []);
});

test('the parts of a multipart body, without what is around them', () => {
  const body = lines('preamble', '--b1', 'Content-Type: application/sdp', '', 'v=0', 's=-', '', 'a=x', '--b1', 'X-A: 1', 'c: text/plain', '', 'hällo', '--b1--', 'epilogue');
  for (const type of ['multipart/mixed;boundary=b1', 'Multipart/Related; start=x; Boundary="b1"']) {
    assert.deepEqual(payload(type, body), [
      { type: 'application/sdp', content: lines('v=0', 's=-', '', 'a=x') },
      { type: 'text/plain', content: 'hällo' },
    ]);
  }
});

test('a part may have no headers, or no content', () => {
  assert.deepEqual(payload('multipart/mixed;boundary=b', lines('--b', '', 'one', '--b', 'Content-Type: a/b', '', '', '--b--')), [
    { type: undefined, content: 'one' },
    { type: 'a/b', content: '' },
  ]);
});

test('a boundary counts at the beginning of a line only, and as a whole', () => {
  const body = lines('--b', '', 'not --b', '--bb', '--b-', '--b--');
  assert.deepEqual(payload('multipart/mixed;boundary=b', body), [{ type: undefined, content: lines('not --b', '--bb', '--b-') }]);
});

test('lines may end with LF alone', () => {
  assert.deepEqual(payload('multipart/mixed;boundary=b', '--b\nContent-Type: a/b\n\none\n--b--'), [{ type: 'a/b', content: 'one' }]);
});

test('a body that was cut off gives what there is', () => {
  assert.deepEqual(payload('multipart/mixed;boundary=b', lines('--b', 'Content-Type: a/b', '', 'on')), [{ type: 'a/b', content: 'on' }]);
  assert.deepEqual(payload('multipart/mixed;boundary=b', lines('--b', 'Content-Type: a/b')), [{ type: 'a/b', content: '' }]);
  assert.deepEqual(payload('multipart/mixed;boundary=b', '--b'), [{ type: undefined, content: '' }]);
  assert.deepEqual(payload('multipart/mixed;boundary=b', 'nothing'), []);
});

test('without a boundary the body is one part', () => {
  assert.deepEqual(payload('multipart/mixed', '--b'), [{ type: 'multipart/mixed', content: '--b' }]);
});

test('parts beyond the limit are not told apart', () => {
  const body = `${'--b\r\n\r\nx\r\n'.repeat(MAX_PARTS + 10)}--b--`;
  assert.equal(payload('multipart/mixed;boundary=b', body).length, MAX_PARTS);
});
