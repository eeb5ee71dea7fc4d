'use strict';
// A peer without manners: puts any bytes on the wire, and listens to what comes back.

const dgram = require('node:dgram');
const { once } = require('node:events');
const net = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');

/** How long silence is listened to. On loopback an answer takes a millisecond. */
const SILENCE = 400;

let number = 0;

/**
 * A well-formed request, to be spoilt. Each has its own transaction.
 *
 * @param {object} [options]
 * @param {string} [options.method]
 * @param {'UDP' | 'TCP'} [options.transport]
 * @param {Record<string, string | null>} [options.headers] replaces a header, adds one, or (`null`) leaves one out
 * @param {string} [options.body]
 * @param {string} [options.version]
 */
function request({ method = 'OPTIONS', transport = 'UDP', headers = {}, body = '', version = 'SIP/2.0' } = {}) {
  number += 1;
  const all = {
    Via: `SIP/2.0/${transport} 127.0.0.1:5999;rport;branch=z9hG4bK-wire-${number}`,
    From: `<sip:wire@127.0.0.1>;tag=wire${number}`,
    To: '<sip:app@127.0.0.1>',
    'Call-ID': `wire-${number}@127.0.0.1`,
    CSeq: `${number} ${method}`,
    'Max-Forwards': '70',
    Contact: '<sip:wire@127.0.0.1:5999>',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} sip:app@127.0.0.1 ${version}\r\n${lines.join('')}\r\n${body}`;
}

/**
 * Sends datagrams and returns the start lines of what is said within `SILENCE`.
 *
 * @param {number} port
 * @param {(string | Buffer)[]} datagrams
 */
async function overUdp(port, datagrams) {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const heard = [];
  socket.on('message', (text) => heard.push(startLine(text)));
  for (const datagram of datagrams) socket.send(datagram, port, '127.0.0.1');
  await sleep(SILENCE);
  socket.close();
  return heard;
}

/**
 * Writes chunks on one connection and returns the start lines of what is said, and whether the other side has closed it.
 *
 * @param {number} port
 * @param {(string | Buffer)[]} chunks
 */
async function overTcp(port, chunks) {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const state = { heard: '', closed: false };
  socket.on('data', (text) => (state.heard += text.toString('latin1')));
  socket.on('error', () => (state.closed = true));
  socket.on('close', () => (state.closed = true));
  for (const chunk of chunks) {
    socket.write(chunk);
    await sleep(5);
  }
  await sleep(SILENCE);
  const { closed } = state;
  socket.destroy();
  return { heard: state.heard.split('\r\n').filter((line) => line.startsWith('SIP/2.0 ')).map(shorten), closed };
}

function startLine(text) {
  return shorten(text.toString('latin1').split('\r\n')[0]);
}

/** The status code of a response, the first word of anything else. */
function shorten(line) {
  const [first, second] = line.split(' ');
  return first === 'SIP/2.0' ? second : first;
}

module.exports = { overTcp, overUdp, request };
