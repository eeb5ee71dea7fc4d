'use strict';
// A small name server on loopback, with a zone of its own, that can also be slow, silent or wrong.

const dgram = require('node:dgram');
const { once } = require('node:events');
const net = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');

const TYPES = new Map([['A', 1], ['SOA', 6], ['AAAA', 28], ['SRV', 33], ['NAPTR', 35]]);
const NAMES = new Map([...TYPES].map(([name, number]) => [number, name]));

/** What fits into a datagram when the question does not say more (RFC 1035 §4.2.1). */
const DATAGRAM = 512;

/**
 * A record: `[name, type, ...data]`, for example
 * `['_sip._udp.example.com', 'SRV', priority, weight, port, target]`,
 * `['example.com', 'NAPTR', order, preference, 's', 'SIP+D2U', '', '_sip._udp.example.com']`,
 * `['host.example.com', 'A', '127.0.0.1']`.
 *
 * @typedef {[string, string, ...(string | number)[]]} Zoned
 *
 * @typedef {object} NameServer
 * @property {string} address         `127.0.0.1:port`
 * @property {string[]} asked         the questions so far: `TYPE name`
 * @property {string[]} overTcp       those of them that came by TCP
 * @property {Zoned[]} zone           may be changed at any time
 * @property {() => Promise<void>} stop
 */

/**
 * @param {Zoned[]} zone
 * @param {object} [manners]
 * @param {number} [manners.delay]     milliseconds before each answer
 * @param {number} [manners.ttl]       of every record, in seconds
 * @param {(type: string) => 'answer' | 'silence' | 'garbage' | 'refuse'} [manners.how]
 * @returns {Promise<NameServer>}
 */
async function startNameServer(zone, { delay = 0, ttl = 60, how = () => 'answer' } = {}) {
  const server = { zone, asked: [], overTcp: [] };
  const respond = async (question, largest, send) => {
    const { type, name } = readQuestion(question);
    server.asked.push(`${type} ${name}`);
    if (largest > 0xffff) server.overTcp.push(`${type} ${name}`);
    await sleep(delay);
    const manner = how(type);
    if (manner === 'garbage') send(Buffer.concat([question.subarray(0, 2), Buffer.from('no DNS at all')]));
    else if (manner !== 'silence') send(answer(question, server.zone, ttl, largest, manner === 'refuse'));
  };

  const udp = dgram.createSocket('udp4');
  const tcp = net.createServer();
  await listen(udp, tcp);
  udp.on('message', (question, from) => respond(question, payloadSize(question), (text) => udp.send(text, from.port, from.address)));
  const sockets = new Set();
  tcp.on('connection', (socket) => {
    sockets.add(socket);
    let waiting = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      waiting = Buffer.concat([waiting, chunk]);
      while (waiting.length >= 2 && waiting.length >= 2 + waiting.readUInt16BE(0)) {
        const end = 2 + waiting.readUInt16BE(0);
        const question = waiting.subarray(2, end);
        waiting = waiting.subarray(end);
        respond(question, Infinity, (text) => socket.write(Buffer.concat([uint16(text.length), text])));
      }
    });
  });
  return Object.assign(server, {
    address: `127.0.0.1:${udp.address().port}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      udp.close();
      tcp.close();
      await once(tcp, 'close');
    },
  });
}

/** Both transports have one port. */
async function listen(udp, tcp) {
  for (;;) {
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const { port } = tcp.address();
    const bound = new Promise((resolve) => {
      udp.once('listening', () => resolve(true));
      udp.once('error', () => resolve(false));
    });
    udp.bind(port, '127.0.0.1');
    if (await bound) return;
    tcp.close();
    await once(tcp, 'close');
  }
}

function readQuestion(message) {
  const labels = [];
  let at = 12;
  while (message[at] > 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + message[at]).toLowerCase());
    at += 1 + message[at];
  }
  const number = message.readUInt16BE(at + 1);
  return { name: labels.join('.'), type: NAMES.get(number) ?? String(number), end: at + 5 };
}

/** How large an answer the question wants (RFC 6891): its OPT record is the last one, without data. */
function payloadSize(question) {
  const { end } = readQuestion(question);
  const hasOpt = question.length >= end + 11 && question.readUInt16BE(end + 1) === 41;
  return hasOpt ? question.readUInt16BE(end + 3) : DATAGRAM;
}

function answer(question, zone, ttl, largest, refuses) {
  const { name, type, end } = readQuestion(question);
  const found = zone.filter(([owner, kind]) => owner === name && kind === type);
  const exists = zone.some(([owner]) => owner === name || owner.endsWith(`.${name}`));
  let records = found.map((record) => written(record, ttl));
  // Without the SOA nobody could remember that there is nothing (RFC 2308).
  const authority = found.length === 0 ? [written([name, 'SOA', 'ns', 'hostmaster'], ttl)] : [];
  const size = end + [...records, ...authority].reduce((sum, record) => sum + record.length, 0);
  const truncated = size > largest;
  if (truncated) records = [];
  const flags = 0x8580 | (truncated ? 0x0200 : 0) | (refuses ? 2 : exists ? 0 : 3);
  const header = Buffer.concat([question.subarray(0, 2), ...[flags, 1, records.length, authority.length, 0].map(uint16)]);
  return Buffer.concat([header, question.subarray(12, end), ...records, ...authority]);
}

function written([owner, type, ...data], ttl) {
  const text = rdata(type, data);
  return Buffer.concat([domain(owner), uint16(TYPES.get(type)), uint16(1), uint32(ttl), uint16(text.length), text]);
}

function rdata(type, data) {
  switch (type) {
    case 'A':
      return Buffer.from(data[0].split('.').map(Number));
    case 'AAAA':
      return ipv6(data[0]);
    case 'SRV':
      return Buffer.concat([...data.slice(0, 3).map(uint16), domain(data[3])]);
    case 'NAPTR':
      return Buffer.concat([uint16(data[0]), uint16(data[1]), ...data.slice(2, 5).map(characters), domain(data[5])]);
    default:
      return Buffer.concat([domain(data[0]), domain(data[1]), ...[1, 60, 60, 60, 60].map(uint32)]);
  }
}

function ipv6(text) {
  const [head, tail = ''] = text.split('::');
  const parts = (side) => side.split(':').filter(Boolean).map((part) => Number.parseInt(part, 16));
  const missing = new Array(8 - parts(head).length - parts(tail).length).fill(0);
  return Buffer.concat([...parts(head), ...missing, ...parts(tail)].map(uint16));
}

function domain(name) {
  const labels = name.split('.').filter(Boolean);
  return Buffer.concat([...labels.map(characters), Buffer.from([0])]);
}

function characters(text) {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')]);
}

function uint16(number) {
  return Buffer.from([number >> 8, number & 255]);
}

function uint32(number) {
  return Buffer.concat([uint16(number >>> 16), uint16(number & 0xffff)]);
}

module.exports = { startNameServer };
