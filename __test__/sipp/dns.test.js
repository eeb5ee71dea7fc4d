'use strict';
// Where requests go (RFC 3263), with a real name server and real peers on loopback.

const assert = require('node:assert/strict');
const dgram = require('node:dgram');
const { once } = require('node:events');
const net = require('node:net');
const { after, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const drachtio = require('../..');
const { startNameServer } = require('./dns_server');
const { freePort, until } = require('./app');
const { sipp, sippTest } = require('./sipp');

const open = [];
after(async () => {
  for (const { stop } of open.reverse()) await stop();
});

/** A name server for this test file. */
async function nameServer(zone, manners) {
  const server = await startNameServer(zone, manners);
  open.push(server);
  return server;
}

/** An application that resolves by this name server. Transactions are given up after 1.28 s. */
async function startAgent(server, { dns = {}, nextHop = {}, transport = 'udp,tcp' } = {}) {
  const app = drachtio();
  const port = await freePort();
  app.connect({
    contact: `sip:127.0.0.1:${port};transport=${transport}`,
    engine: { timers: { t1: 20 }, dns: { servers: [server.address], timeout: 300, deadline: 3000, ...dns }, nextHop },
  });
  const [err] = await once(app, 'connect');
  if (err) throw err;
  open.push({ stop: () => app.disconnect() });
  return { app, port };
}

/** A peer that answers OPTIONS by UDP and TCP of one port; `answer` says how, 0 for silence. */
async function startPeer(name, answer = () => 200) {
  const port = await freePort();
  const peer = { name, port, heard: [] };
  const respond = (text, transport) => {
    peer.heard.push({ transport, text });
    const status = answer(text);
    if (!status) return undefined;
    const copied = text.split('\r\n').filter((line) => /^(Via|From|Call-ID|CSeq):/i.test(line));
    const to = text.split('\r\n').find((line) => /^To:/i.test(line));
    return [`SIP/2.0 ${status} ${name}`, ...copied, `${to};tag=${name}`, 'Content-Length: 0', '', ''].join('\r\n');
  };
  const udp = dgram.createSocket('udp4').bind(port, '127.0.0.1');
  await once(udp, 'listening');
  udp.on('message', (text, from) => {
    const response = respond(text.toString('latin1'), 'udp');
    if (response !== undefined) udp.send(response, from.port, from.address);
  });
  const sockets = new Set();
  const tcp = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (text) => {
      const response = respond(text.toString('latin1'), 'tcp');
      if (response !== undefined) socket.write(response);
    });
  });
  tcp.listen(port, '127.0.0.1');
  await once(tcp, 'listening');
  open.push({
    stop: async () => {
      udp.close();
      for (const socket of sockets) socket.destroy();
      tcp.close();
      await once(tcp, 'close');
    },
  });
  return peer;
}

/** Sends OPTIONS; resolves to the final response, with the time it took. */
async function options(app, uri, headers = {}) {
  const began = performance.now();
  const req = await app.request({ uri, method: 'OPTIONS', headers });
  const [res] = await once(req, 'response');
  return { status: res.status, reason: res.reason, ms: Math.round(performance.now() - began) };
}

const host = (name, address = '127.0.0.1') => [name, 'A', address];
const srv = (name, priority, weight, port, target) => [name, 'SRV', priority, weight, port, target];
const naptr = (name, order, service, target) => [name, 'NAPTR', order, 50, 's', service, '', target];

test('NAPTR, then SRV, then A: the transport, port and host are those of the records', async () => {
  const peer = await startPeer('there');
  const server = await nameServer([
    naptr('example.com', 10, 'SIP+D2T', '_sip._tcp.example.com'),
    naptr('example.com', 20, 'SIP+D2U', '_sip._udp.example.com'),
    srv('_sip._tcp.example.com', 0, 0, peer.port, 'host.example.com'),
    srv('_sip._udp.example.com', 0, 0, 9, 'host.example.com'),
    host('host.example.com'),
  ]);
  const { app } = await startAgent(server);
  const { status } = await options(app, 'sip:bob@example.com');
  assert.equal(status, 200);
  assert.equal(peer.heard[0].transport, 'tcp');
  assert.match(peer.heard[0].text, /^OPTIONS sip:bob@example\.com SIP\/2\.0\r\nVia: SIP\/2\.0\/TCP /);

  await test('with a port, or a transport, the URI decides', async () => {
    server.asked.length = 0;
    await options(app, `sip:bob@host.example.com:${peer.port}`);
    assert.deepEqual(server.asked, [], 'the address is remembered');
    assert.equal(peer.heard.at(-1).transport, 'udp');
    const { status } = await options(app, 'sip:bob@example.com;transport=tcp');
    assert.equal(status, 200);
    assert.equal(peer.heard.at(-1).transport, 'tcp');
    assert.deepEqual(server.asked, [], 'nothing is asked twice within its time to live');
  });
});

test('without NAPTR when told so', async () => {
  const peer = await startPeer('there');
  const server = await nameServer([
    naptr('example.com', 10, 'SIP+D2T', '_sip._tcp.example.com'),
    srv('_sip._udp.example.com', 0, 0, peer.port, 'host.example.com'),
    host('host.example.com'),
  ]);
  const { app } = await startAgent(server, { dns: { naptr: false } });
  assert.equal((await options(app, 'sip:example.com')).status, 200);
  assert.equal(peer.heard[0].transport, 'udp');
  assert.ok(!server.asked.some((question) => question.startsWith('NAPTR')));
});

test('SRV weights share the requests', async (t) => {
  const peers = await Promise.all(['light', 'heavy'].map((name) => startPeer(name)));
  const server = await nameServer([
    srv('_sip._udp.example.com', 10, 20, peers[0].port, 'host.example.com'),
    srv('_sip._udp.example.com', 10, 80, peers[1].port, 'host.example.com'),
    host('host.example.com'),
  ]);
  const { app } = await startAgent(server);
  const count = { light: 0, heavy: 0 };
  const responses = await Promise.all(Array.from({ length: 400 }, () => options(app, 'sip:example.com')));
  for (const { reason } of responses) count[reason] += 1;
  t.diagnostic(`of 400 requests, weights 20 and 80: ${JSON.stringify(count)}`);
  assert.equal(count.light + count.heavy, 400);
  // Six standard deviations.
  assert.ok(count.light > 32 && count.light < 128, JSON.stringify(count));
  const asked = server.asked.filter((question) => question === 'SRV _sip._udp.example.com');
  assert.equal(asked.length, 1, 'look-ups of one name are merged');
});

/** Two servers of one domain by UDP, the first preferred. */
const twoServers = (first, second) => [
  srv('_sip._udp.example.com', 10, 0, first, 'one.example.com'),
  srv('_sip._udp.example.com', 20, 0, second, 'two.example.com'),
  host('one.example.com'),
  host('two.example.com'),
];

for (const [what, answer] of [['is silent', () => 0], ['answers 503', () => 503]]) {
  test(`a first server that ${what}: the second one answers, and the next request goes there at once`, async (t) => {
    const [first, second] = [await startPeer('first', answer), await startPeer('second')];
    const server = await nameServer(twoServers(first.port, second.port));
    const { app } = await startAgent(server);
    const took = await options(app, 'sip:example.com');
    assert.deepEqual([took.status, took.reason], [200, 'second']);
    const { failovers, timeLost } = app.client.counters();
    assert.equal(failovers, 1);
    t.diagnostic(`time lost to a server that ${what}: ${timeLost} ms, the request took ${took.ms} ms (timer F is 1280 ms here)`);
    const heard = first.heard.length;
    const next = await options(app, 'sip:example.com');
    assert.equal(next.reason, 'second');
    assert.equal(first.heard.length, heard, 'what has failed is avoided');
    t.diagnostic(`the next request took ${next.ms} ms`);
  });
}

test('nextHop.avoidFor 0: a server that has failed is asked again by the next request', async () => {
  const [first, second] = [await startPeer('first', () => 503), await startPeer('second')];
  const server = await nameServer(twoServers(first.port, second.port));
  const { app } = await startAgent(server, { nextHop: { avoidFor: 0 } });
  for (const count of [1, 2]) {
    assert.equal((await options(app, 'sip:example.com')).reason, 'second');
    assert.equal(first.heard.length, count);
  }
});

test('dns.attempts: so often a name server is asked that does not answer', async () => {
  const asked = async (attempts) => {
    const server = await nameServer([], { how: () => 'silence' });
    const { app } = await startAgent(server, { dns: { attempts, naptr: false, timeout: 100, deadline: 10_000 } });
    await assert.rejects(app.request({ uri: 'sip:nobody.example.com', method: 'OPTIONS' }), { code: 'DRT_ERR_NAME_NOT_RESOLVED' });
    return server.asked.filter((question) => question === 'SRV _sip._udp.nobody.example.com').length;
  };
  assert.equal(await asked(1), 1);
  assert.equal(await asked(3), 3);
});

test('a first server that is not there: its ICMP error moves the request on', async (t) => {
  const second = await startPeer('second');
  const server = await nameServer(twoServers(await freePort(), second.port));
  const { app } = await startAgent(server);
  const took = await options(app, 'sip:example.com');
  assert.deepEqual([took.status, took.reason], [200, 'second']);
  t.diagnostic(`time lost to a port that is closed: ${app.client.counters().timeLost} ms`);
});

test('a TCP server that refuses: the next one is asked', async (t) => {
  const second = await startPeer('second');
  const server = await nameServer([
    srv('_sip._tcp.example.com', 10, 0, await freePort(), 'one.example.com'),
    srv('_sip._tcp.example.com', 20, 0, second.port, 'one.example.com'),
    host('one.example.com'),
  ]);
  const { app } = await startAgent(server);
  const took = await options(app, 'sip:example.com;transport=tcp');
  assert.deepEqual([took.status, took.reason], [200, 'second']);
  t.diagnostic(`time lost to a connection that is refused: ${app.client.counters().timeLost} ms`);
});

test('all are dead: one final response', async () => {
  const silent = await startPeer('silent', () => 0);
  const server = await nameServer(twoServers(silent.port, await freePort()));
  const { app } = await startAgent(server);
  const { status } = await options(app, 'sip:example.com');
  assert.equal(status, 503);
});

test('an answer of hundreds of records comes by TCP, and leads to a few of them', async () => {
  const peer = await startPeer('there');
  const records = Array.from({ length: 600 }, (_, i) => srv('_sip._udp.example.com', 10 + i, 0, peer.port, `host-${i}.a-rather-long-label.example.com`));
  const hosts = Array.from({ length: 600 }, (_, i) => host(`host-${i}.a-rather-long-label.example.com`));
  const server = await nameServer([...records, ...hosts]);
  const { app } = await startAgent(server);
  assert.equal((await options(app, 'sip:example.com')).status, 200);
  assert.ok(server.overTcp.includes('SRV _sip._udp.example.com'), 'the truncated answer was asked for again');
  const asked = server.asked.filter((question) => question.startsWith('A host-'));
  assert.ok(new Set(asked).size <= 16, `${new Set(asked).size} hosts were looked up`);
});

for (const manner of ['silence', 'garbage', 'refuse']) {
  test(`a name server that answers NAPTR questions with ${manner}`, async (t) => {
    const peer = await startPeer('there');
    const server = await nameServer([srv('_sip._udp.example.com', 0, 0, peer.port, 'host.example.com'), host('host.example.com')], {
      how: (type) => (type === 'NAPTR' ? manner : 'answer'),
    });
    const { app } = await startAgent(server);
    const { status, ms } = await options(app, 'sip:example.com');
    assert.equal(status, 200);
    t.diagnostic(`the request took ${ms} ms`);
  });

  test(`a name server that answers everything with ${manner}: an error, and other calls go on`, async (t) => {
    const peer = await startPeer('there');
    const server = await nameServer([], { how: () => manner });
    const { app } = await startAgent(server);
    const began = performance.now();
    const failing = assert.rejects(app.request({ uri: 'sip:nowhere.example.com', method: 'OPTIONS' }), { code: 'DRT_ERR_NAME_NOT_RESOLVED' });
    assert.equal((await options(app, `sip:127.0.0.1:${peer.port}`)).status, 200);
    await failing;
    t.diagnostic(`the error came after ${Math.round(performance.now() - began)} ms`);
    assert.ok(await until(() => app.client.census().queries === 0));
  });
}

test('a slow name server is waited for, once for all who ask', async (t) => {
  const peer = await startPeer('there');
  const server = await nameServer([srv('_sip._udp.example.com', 0, 0, peer.port, 'host.example.com'), host('host.example.com')], { delay: 200 });
  const { app } = await startAgent(server);
  const responses = await Promise.all([1, 2, 3].map(() => options(app, 'sip:example.com')));
  assert.deepEqual(responses.map(({ status }) => status), [200, 200, 200]);
  assert.equal(server.asked.length, new Set(server.asked).size, 'no question is asked twice');
  t.diagnostic(`a name server that takes 200 ms for each answer: ${responses[0].ms} ms`);
});

test('a name that does not exist is an error with its name', async () => {
  const server = await nameServer([host('elsewhere.example.com')]);
  const { app } = await startAgent(server);
  const refused = { code: 'DRT_ERR_NAME_NOT_RESOLVED', message: /nobody\.example\.com/ };
  await assert.rejects(app.request({ uri: 'sip:nobody.example.com', method: 'OPTIONS' }), refused);
  const asked = server.asked.length;
  await assert.rejects(app.request({ uri: 'sip:nobody.example.com', method: 'OPTIONS' }), refused);
  assert.equal(server.asked.length, asked, 'that it does not exist is remembered');
});

test('localhost and addresses need no name server', async () => {
  const peer = await startPeer('there');
  const server = await nameServer([]);
  const { app } = await startAgent(server);
  for (const uri of [`sip:127.0.0.1:${peer.port}`, `sip:localhost:${peer.port}`]) assert.equal((await options(app, uri)).status, 200);
  assert.deepEqual(server.asked, []);
});

test('a large request goes by TCP, and by UDP where that is refused or wanted', async () => {
  const peer = await startPeer('there');
  const udpOnly = dgram.createSocket('udp4').bind(await freePort(), '127.0.0.1');
  await once(udpOnly, 'listening');
  open.push({ stop: () => Promise.resolve(udpOnly.close()) });
  const server = await nameServer([]);
  const ballast = { 'X-Ballast': 'x'.repeat(1300) };
  const { app } = await startAgent(server);
  await options(app, `sip:127.0.0.1:${peer.port}`, ballast);
  await options(app, `sip:127.0.0.1:${peer.port}`);
  await options(app, `sip:127.0.0.1:${peer.port};transport=udp`, ballast);
  assert.deepEqual(peer.heard.map(({ transport }) => transport), ['tcp', 'udp', 'udp']);
  const heard = once(udpOnly, 'message');
  app.request({ uri: `sip:127.0.0.1:${udpOnly.address().port}`, method: 'OPTIONS', headers: ballast });
  assert.match(String((await heard)[0]), /^OPTIONS [^\r]*\r\nVia: SIP\/2\.0\/UDP /);
  const { app: other } = await startAgent(server, { nextHop: { udpRequestLimit: 65_535 } });
  await options(other, `sip:127.0.0.1:${peer.port}`, ballast);
  assert.equal(peer.heard.at(-1).transport, 'udp');
});

sippTest('a proxied call: its first server is silent, the second one takes the whole call', async (t) => {
  const [silent, calleePort, callerPort] = [await startPeer('silent', () => 0), await freePort(), await freePort()];
  const server = await nameServer(twoServers(silent.port, calleePort));
  const { app, port } = await startAgent(server);
  app.invite((req) => req.proxy({ destination: 'sip:callee@example.com', remainInDialog: true }, () => {}));
  const callee = sipp({ scenario: 'callee', port: calleePort, values: { caller: callerPort, ring: 100 } });
  await sleep(400);
  const caller = sipp({
    scenario: 'caller',
    port: callerPort,
    target: `127.0.0.1:${port}`,
    values: { user: 'callee', talk: 200, callee: calleePort },
  });
  const outcomes = [await caller.finished, await callee.finished];
  for (const { ok, log } of outcomes) assert.ok(ok, log);
  const { failovers, timeLost } = app.client.counters();
  assert.equal(failovers, 1);
  t.diagnostic(`time lost of the call: ${timeLost} ms (timer B is 1280 ms here)`);
  assert.ok(await until(() => app.client.census().proxies === 0));
});
