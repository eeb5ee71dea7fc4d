'use strict';
// Messages damaged at random: what an application reads of them by the index of the native parser is what `new SipMessage(text)` reads.
//
// The environment variable SEED begins elsewhere, MUTATIONS makes more of them.

const test = require('node:test');
const assert = require('node:assert/strict');
const { readFileSync, readdirSync } = require('node:fs');
const { inspect } = require('node:util');
const { join } = require('node:path');
const { loadAddon } = require('../../lib/native');
const { WireNames } = require('../../lib/headers/wire_names');
const { PARSERS } = require('../../lib/headers/parsers');
const { SipMessage, fromFrame } = require('../../lib/sip_message');
const { numbers } = require('../support/numbers');

const MESSAGES = join(__dirname, '../../bench/messages');
const OURS = '192.0.2.1:5060';
const METHODS = ['invite', 'ack', 'bye', 'cancel', 'register', 'options', 'notify'];
/** The kind of event that is a message. */
const MESSAGE = 1;

/** Pieces that have a meaning somewhere in a message. */
const PIECES = [
  ...['\r\n', '\r\n ', ' ', '\t', '\v', '\0', ':', ' :', ';', ',', '"', '<', '>', '@', '?', '=', '[', '\\', '/', '%', '|', ';tag=x', '\r\nX:'],
  ...['\r\n__proto__: x', '\r\nconstructor: y', '\r\nX-A : v', '\r\nx-a:w', '\r\nl: 3', '\r\nl : 0', '\r\ns:', '\r\nSubject: a\r\n b', '\r\nv: SIP/2.0/UDP h'],
];

function damaged(text, pick) {
  let result = text;
  for (let n = pick(5); n > 0; n--) {
    const at = pick(result.length + 1);
    const lines = result.split('\r\n');
    const [rest, piece] = [result.slice(at + pick(20)), PIECES[pick(PIECES.length)]];
    const [one, other] = [pick(lines.length), pick(lines.length)];
    [lines[one], lines[other]] = [lines[other], lines[one]];
    result = [result.slice(0, at) + rest, result.slice(0, at) + piece + result.slice(at), result.slice(0, at) + piece + rest, lines.join('\r\n')][pick(4)];
  }
  return result;
}

/** The messages that an engine tells its application of when it receives these texts. */
function* delivered(texts) {
  const { SimulatedEngine } = loadAddon();
  const start = () => new SimulatedEngine({ contacts: [{ uri: `sip:${OURS};transport=udp` }], engine: {}, routes: METHODS }, ['192.0.2.1'], 1);
  let engine = start();
  for (const [number, text] of texts.entries()) {
    // Tables that are full would refuse all the others.
    if (number % 500 === 0) engine = start();
    engine.receive(number, 'udp', OURS, '192.0.2.9:5060', undefined, Buffer.from(text));
    engine.transmits();
    const events = [];
    while (engine.waiting > 0) events.push(...engine.take((...entries) => entries));
    for (let at = 0; at < events.length; at += 4) {
      if (events[at] === MESSAGE) yield { frame: events[at + 2], index: events[at + 3] };
    }
  }
}

test('a damaged message means the same to both', (t) => {
  const seed = Number(process.env.SEED ?? 1);
  t.diagnostic(`seed ${seed}`);
  const pick = numbers(seed);
  const originals = readdirSync(MESSAGES).map((file) => readFileSync(join(MESSAGES, file), 'utf8').replace(/\r?\n/g, '\r\n'));
  const texts = Array.from({ length: Number(process.env.MUTATIONS ?? 4_000) }, (_, n) => {
    const text = damaged(originals[pick(originals.length)], pick);
    // Each is a transaction of its own.
    return text.replace(/z9hG4bK/g, `z9hG4bK${n}-`).replace(/Call-ID: /i, `$&${n}-`);
  });
  const names = new WireNames(loadAddon().headerNames());
  let count = 0;
  for (const { frame, index } of delivered(texts)) {
    count++;
    const [read, looked] = [fromFrame(frame, index, names), fromFrame(frame, index, names)];
    const written = new SipMessage(/** @type {string} */ (read.raw));
    const headers = Object.entries(written.headers);
    assert.deepEqual(headers.map(([name]) => [name, looked.get(name)]), headers, frame);
    assert.deepEqual(Object.entries(read.headers), headers, frame);
    assert.deepEqual([read.method, read.uri, read.body, read.payload], [written.method, written.uri, written.body, written.payload], frame);
    for (const name of PARSERS.keys()) assert.deepEqual(read.getParsedHeader(name), written.getParsedHeader(name), frame);
    assert.deepEqual({ ...new SipMessage(read.toString()).headers }, { ...read.headers, 'content-length': String(Buffer.byteLength(read.body)) });
    inspect(read);
  }
  // A test that has seen few messages says little.
  assert.ok(count > texts.length / 20, String(count));
});
