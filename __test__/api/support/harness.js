'use strict';

const { setImmediate: nextTurn } = require('node:timers/promises');
const drachtio = require('../../..');
const { FakeEngine, frameOf } = require('./fake_engine');

/**
 * An application that is connected to a stand-in for the engine.
 *
 * @param {(app: object) => void} [prepare] adds handlers before the connection is made
 * @returns {Promise<{app: any, engine: FakeEngine}>}
 */
async function connected(prepare = () => {}) {
  const app = drachtio();
  prepare(app);
  app.connect();
  await turns();
  return { app, engine: FakeEngine.last };
}

/** Lets the event loop come round: what was to happen at once has happened then. */
async function turns(count = 3) {
  for (let i = 0; i < count; i++) await nextTurn();
}

/** A request as it comes from the network. */
function request(method, { headers = {}, body = '', uri = 'sip:bob@127.0.0.1', callId = 'cid-1', seq = 1 } = {}) {
  return message(`${method} ${uri} SIP/2.0`, {
    Via: 'SIP/2.0/UDP 10.0.0.9:5090;branch=z9hG4bK1;rport',
    'Max-Forwards': 70,
    From: '<sip:alice@10.0.0.9>;tag=a1',
    To: '<sip:bob@127.0.0.1>',
    'Call-ID': callId,
    CSeq: `${seq} ${method}`,
    ...headers,
  }, body);
}

/** A response as it comes from the network. */
function response(status, reason, { method = 'INVITE', headers = {}, body = '', callId = 'cid-1', seq = 1 } = {}) {
  return message(`SIP/2.0 ${status} ${reason}`, {
    Via: 'SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK2',
    From: '<sip:alice@127.0.0.1>;tag=a1',
    To: '<sip:bob@10.0.0.9>;tag=b1',
    'Call-ID': callId,
    CSeq: `${seq} ${method}`,
    ...headers,
  }, body);
}

function message(startLine, headers, body) {
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((item) => `${name}: ${item}`));
  return [startLine, ...lines, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
}

/** The first line of a command's message. */
function startLine({ text }) {
  return text.slice(0, text.indexOf('\r\n'));
}

/** The header lines of a command's message. */
function headerLines({ text }) {
  return text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n').slice(1);
}

/** The body of a command's message. */
function bodyOf({ text }) {
  return text.slice(text.indexOf('\r\n\r\n') + 4);
}

module.exports = { connected, turns, request, response, startLine, headerLines, bodyOf, frameOf, FakeEngine, drachtio };
