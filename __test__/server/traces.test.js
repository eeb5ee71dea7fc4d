'use strict';
// Every message in and out goes to a capture server (HEP) and a capture file (pcap), whatever it came over.

const test = require('node:test');
const assert = require('node:assert/strict');
const { createSocket } = require('node:dgram');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { createConnection } = require('node:net');
const { join } = require('node:path');
const drachtio = require('../..');
const { startPhone } = require('../examples/phone');
const { engineWithTls } = require('../interop/certificate');
const { tlsTest } = require('../tls/pki');
const { DIRECTORY } = require('./support/configuration');
const { observed } = require('./support/observed');
const { peer } = require('./support/sip');

const TIME = { timeout: 30_000 };

/** A capture server that keeps what it is sent. */
async function captureServer(t) {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  const datagrams = [];
  let wake = () => {};
  socket.on('message', (data) => {
    datagrams.push(data);
    wake();
  });
  return {
    address: `127.0.0.1:${socket.address().port}`,
    async take(count) {
      while (datagrams.length < count) await new Promise((resolve) => (wake = resolve));
      return datagrams.splice(0, count);
    },
  };
}

/** The chunks of a datagram of version 3, by their numbers. */
function chunks(datagram) {
  assert.equal(datagram.toString('latin1', 0, 4), 'HEP3');
  assert.equal(datagram.readUInt16BE(4), datagram.length);
  const found = {};
  for (let at = 6; at < datagram.length; at += datagram.readUInt16BE(at + 4)) {
    assert.equal(datagram.readUInt16BE(at), 0);
    found[datagram.readUInt16BE(at + 2)] = datagram.subarray(at + 6, at + datagram.readUInt16BE(at + 4));
  }
  return found;
}

test('HEP 3 has addresses, time, the id of the host and the Call-ID of each message', TIME, async (t) => {
  const server = await captureServer(t);
  const { sip } = await observed(t, { hep: { address: server.address, captureId: 77 } });
  const caller = await peer(t);
  const before = Math.floor(Date.now() / 1000);
  const callId = caller.send(sip, 'OPTIONS');
  assert.equal(await caller.answer(), 200);
  const [request, response] = (await server.take(2)).map(chunks);
  const port = Number(sip.split(':')[1]);
  const loopback = Buffer.from([127, 0, 0, 1]);
  for (const [message, from, to, start] of [
    [request, caller.port, port, 'OPTIONS sip:'],
    [response, port, caller.port, 'SIP/2.0 200'],
  ]) {
    assert.deepEqual([message[1][0], message[2][0], message[11][0]], [2, 17, 1]);
    assert.deepEqual([message[3], message[4]], [loopback, loopback]);
    assert.deepEqual([message[7].readUInt16BE(), message[8].readUInt16BE()], [from, to]);
    assert.ok(message[9].readUInt32BE() >= before && message[10].readUInt32BE() < 1_000_000);
    assert.equal(message[12].readUInt32BE(), 77);
    assert.equal(message[17].toString(), callId);
    assert.ok(message[15].toString().startsWith(start));
  }
});

test('HEP names TCP, and versions 1 and 2 have a head each', TIME, async (t) => {
  for (const version of [1, 2, 3]) {
    const server = await captureServer(t);
    const { address } = await observed(t, { hep: { address: server.address, captureId: 77, version } });
    const [host, port] = address('tcp').split(':');
    const socket = createConnection(Number(port), host);
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    socket.write(
      `OPTIONS sip:b@${host} SIP/2.0\r\nVia: SIP/2.0/TCP ${host}:${socket.localPort};branch=z9hG4bKv${version}\r\nMax-Forwards: 70\r\n` +
        `From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: v${version}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`,
    );
    const [datagram] = await server.take(1);
    if (version === 3) {
      assert.equal(chunks(datagram)[2][0], 6);
      continue;
    }
    const length = version === 1 ? 16 : 28;
    assert.deepEqual([...datagram.subarray(0, 4)], [version, 16, 2, 6]);
    assert.deepEqual([datagram.readUInt16BE(4), datagram.readUInt16BE(6)], [socket.localPort, Number(port)]);
    if (version === 2) assert.equal(datagram.readUInt16LE(24), 77);
    assert.ok(datagram.toString('latin1', length).startsWith('OPTIONS sip:'));
  }
});

for (const transport of ['tls', 'ws', 'wss']) {
  tlsTest(`what comes over ${transport.toUpperCase()} is traced as it is read, without ciphers and frames`, async (t) => {
    const server = await captureServer(t);
    const app = drachtio();
    app.options((req, res) => res.send(200));
    app.connect({ contact: `sip:127.0.0.1:0;transport=${transport}`, engine: engineWithTls(), observe: { hep: { address: server.address, captureId: 1 } } });
    const [, hostport] = await once(app, 'connect');
    t.after(() => app.disconnect());
    const phone = await startPhone(t, 'phone', { transport, engine: engineWithTls() });
    const uri = `sip:${hostport.split('/')[1]};transport=${transport}`;
    assert.equal((await phone.send(uri, { method: 'OPTIONS' })).status, 200);
    const texts = (await server.take(2)).map((datagram) => chunks(datagram)[15].toString());
    assert.deepEqual(texts.map((text) => text.slice(0, 11)), ['OPTIONS sip', 'SIP/2.0 200']);
    assert.match(texts[0], new RegExp(`^Via: SIP/2\\.0/${transport} `, 'im'));
  });
}

test('a capture file has a packet for each message, with right checksums', TIME, async (t) => {
  const path = join(DIRECTORY, 'trace.pcap');
  const { app, sip } = await observed(t, { pcap: { path } });
  const caller = await peer(t);
  caller.send(sip, 'OPTIONS');
  await caller.answer();
  await app.disconnect();
  const trace = readFileSync(path);
  assert.deepEqual([trace.readUInt32LE(0), trace.readUInt16LE(4), trace.readUInt32LE(20)], [0xa1b2c3d4, 2, 101]);
  const texts = [];
  for (let at = 24; at < trace.length; ) {
    const length = trace.readUInt32LE(at + 8);
    assert.equal(trace.readUInt32LE(at + 12), length);
    const packet = trace.subarray(at + 16, at + 16 + length);
    assert.deepEqual([packet[0], packet.readUInt16BE(2), packet[9]], [0x45, length, 17]);
    assert.equal(sum(packet.subarray(0, 20)), 0xffff);
    const pseudo = Buffer.concat([packet.subarray(12, 20), Buffer.from([0, 17]), packet.subarray(24, 26), packet.subarray(20)]);
    assert.equal(sum(pseudo), 0xffff);
    texts.push(packet.toString('latin1', 28).split(' ').slice(0, 2).join(' '));
    at += 16 + length;
  }
  assert.deepEqual(texts.map((text) => text.slice(0, 11)), ['OPTIONS sip', 'SIP/2.0 200']);
});

/** The sum of RFC 1071, which with its checksum is all ones. */
function sum(bytes) {
  let total = 0;
  for (let at = 0; at < bytes.length; at += 2) total += bytes[at] * 256 + (bytes[at + 1] ?? 0);
  while (total > 0xffff) total = (total >>> 16) + (total & 0xffff);
  return total;
}

test('a trace that cannot be written keeps the engine from starting', TIME, async () => {
  const app = drachtio();
  const err = await new Promise((resolve) => {
    app.connect({ contact: 'sip:127.0.0.1:0', observe: { pcap: { path: `${DIRECTORY}/nowhere/x.pcap` } } }, resolve);
  });
  assert.equal(err.code, 'DRT_ERR_OBSERVE');
  assert.match(err.message, /cannot write .*nowhere/);
});
