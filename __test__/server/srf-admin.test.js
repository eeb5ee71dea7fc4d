'use strict';
// The drachtio protocol (drachtio-server §1): secrets, routes in turns, tags, pings and TLS, with drachtio-srf.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const { SECRET, connect, eachVersion, leave, routed, startServer, station } = require('./support');
const { selfSigned } = require('../tls/pki');

/** Sends so many OPTIONS and gives the header X-By of each response. */
async function ask(srf, uri, count, method = 'OPTIONS') {
  const answered = [];
  for (let n = 0; n < count; n++) {
    const res = await new Promise((resolve, reject) => {
      srf.request(uri, { method }, (err, req) => (err ? reject(err) : req.on('response', resolve)));
    });
    answered.push(res.get('X-By') ?? res.status);
  }
  return answered;
}

const by = (name) => (req, res) => res.send(200, { headers: { 'X-By': name } });

eachVersion('a wrong secret is told', async (t, version) => {
  const { port, server } = await startServer(t);
  const Srf = require(version);
  const srf = new Srf();
  srf.on('error', () => {});
  srf.connect({ host: '127.0.0.1', port, secret: 'wrong', reconnect: { maxAttempts: 1 } });
  t.after(() => leave(srf));
  const [err] = await once(srf, 'connect');
  assert.match(String(err), /failed to authenticate/);
  assert.equal(server.census().applications, 0);
});

eachVersion('applications take turns in the order in which they have asked', async (t, version) => {
  const { port, address } = await startServer(t);
  for (const name of ['a', 'b', 'c']) await connect(t, port, version, { handlers: { options: by(name), message: by(name) } });
  const caller = await station(t);
  assert.deepEqual(await ask(caller.srf, `sip:${address}`, 5), ['a', 'b', 'c', 'a', 'b']);
  assert.deepEqual(await ask(caller.srf, `sip:${address}`, 2, 'MESSAGE'), ['a', 'b']);
});

test('a route that is removed takes no other with it, and one that is asked for again gives no second turn', async (t) => {
  const { port, address } = await startServer(t);
  const first = await connect(t, port, 'drachtio-srf', { handlers: { options: by('a'), message: by('a') } });
  await connect(t, port, 'drachtio-srf', { handlers: { options: by('b') } });
  // Each further verb makes it ask for all of them again.
  first.info(by('a'));
  await routed(first);
  const caller = await station(t);
  assert.deepEqual(await ask(caller.srf, `sip:${address}`, 4), ['a', 'b', 'a', 'b']);
  first.unregisterForMessages('options');
  await routed(first);
  assert.deepEqual(await ask(caller.srf, `sip:${address}`, 2), ['b', 'b']);
  assert.deepEqual(await ask(caller.srf, `sip:${address}`, 2, 'MESSAGE'), ['a', 'a']);
});

eachVersion('an application that has gone is passed over', async (t, version) => {
  const { port, address, server } = await startServer(t);
  const first = await connect(t, port, version, { handlers: { options: by('a') } });
  await connect(t, port, version, { handlers: { options: by('b') } });
  first.disconnect();
  while (server.census().applications > 1) await new Promise((resolve) => setTimeout(resolve, 5));
  const caller = await station(t);
  assert.deepEqual(await ask(caller.srf, `sip:${address}`, 3), ['b', 'b', 'b']);
});

eachVersion('without an application 503, for a method that none has asked for 405', async (t, version) => {
  const { port, address } = await startServer(t);
  const caller = await station(t);
  assert.deepEqual(await ask(caller.srf, `sip:${address}`, 1), [503]);
  await connect(t, port, version, { handlers: { message: by('a') } });
  assert.deepEqual(await ask(caller.srf, `sip:${address}`, 1), [405]);
});

eachVersion('pings are answered', async (t, version) => {
  const { port } = await startServer(t);
  const srf = await connect(t, port, version);
  // What drachtio-srf does by itself every 15 s.
  const agent = srf.app.client;
  const socket = agent._getDefaultSocket();
  const reply = once(socket, 'data');
  agent.wp.send(socket, 'ping');
  const [data] = await reply;
  assert.match(data.toString(), /\|response\|[^|]+\|OK\|pong$/);
});

eachVersion('an application connects by TLS', async (t, version) => {
  const certificate = selfSigned('localhost');
  const { tlsPort, address, server } = await startServer(t, { admin: { port: false, tlsPort: 0, certificate } });
  assert.deepEqual(server.adminHostports, [`tls/127.0.0.1:${tlsPort}`]);
  await connect(t, tlsPort, version, { tls: { rejectUnauthorized: false }, handlers: { options: by('tls') } });
  const caller = await station(t);
  assert.deepEqual(await ask(caller.srf, `sip:${address}`, 2), ['tls', 'tls']);
});

test('another secret is needed from when it is changed; who is connected stays', async (t) => {
  const { port, address, server } = await startServer(t);
  await connect(t, port, 'drachtio-srf', { handlers: { options: by('old') } });
  await server.reload({ secret: 'another' });
  await connect(t, port, 'drachtio-srf', { secret: 'another', handlers: { options: by('new') } });
  await assert.rejects(connect(t, port, 'drachtio-srf', { secret: SECRET }), /failed to authenticate/);
  const caller = await station(t);
  assert.deepEqual(await ask(caller.srf, `sip:${address}`, 2), ['old', 'new']);
});
