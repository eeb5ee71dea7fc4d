'use strict';
// drachtio-server §5.6: request handlers; applications that are connected to for one request, with drachtio-srf.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const { test } = require('node:test');
const { SDP, SECRET, connect, deferred, eachVersion, settled, startServer, station } = require('./support');
const { freePort } = require('../sipp/free_port');
const { selfSigned } = require('../tls/pki');

/** An application that listens for the server. */
async function listener(t, version, handlers, options = {}) {
  const Srf = require(version);
  const srf = new Srf();
  const port = await freePort();
  const listening = once(srf, 'listening');
  srf.listen({ port, host: '127.0.0.1', secret: SECRET, ...options });
  for (const [method, handler] of Object.entries(handlers)) srf[method]((req, res) => handler(req, res, srf));
  await listening;
  t.after(() => srf.app.client.close());
  return { srf, port };
}

/** A web server that gives this answer, and notes what it was asked. */
async function webServer(t, answer) {
  const asked = [];
  const server = http.createServer((req, res) => {
    let body = '';
    req.on('data', (chunk) => (body += chunk));
    req.on('end', () => {
      const url = new URL(req.url, 'http://localhost');
      asked.push({ method: req.method, path: url.pathname, query: Object.fromEntries(url.searchParams), body, headers: req.headers });
      answer(res, asked.at(-1));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, asked };
}

const json = (value) => (res) => res.end(JSON.stringify(value));

/** Calls the server, whose requests are handled so: the call, or what it was refused with. */
async function callThrough(t, requestHandlers, options = {}) {
  const started = await startServer(t, { requestHandlers, ...options });
  const reasons = [];
  started.server.on('unrouted', (err) => reasons.push(err.message));
  const caller = await station(t);
  const call = () => caller.srf.createUAC(`sip:bob@${started.address};color=blue`, { localSdp: SDP });
  return { ...started, caller, call, reasons };
}

eachVersion('an application that is named gets the request, and its dialog stays with it', async (t, version) => {
  const answered = deferred();
  const app = await listener(t, version, { invite: async (req, res, srf) => answered.resolve(await srf.createUAS(req, res, { localSdp: SDP })) });
  const { call, server } = await callThrough(t, [{ method: 'INVITE', url: `tcp://127.0.0.1:${app.port}` }]);
  const uac = await call();
  const uas = await answered.promise;
  assert.equal(server.census().applications, 1);
  uas.once('info', (req, res) => res.send(200));
  assert.equal((await uac.request({ method: 'INFO' })).status, 200);
  const destroyed = once(uas, 'destroy');
  await uac.destroy();
  await destroyed;
  app.srf.endSession(uas.req ?? uas);
  await settled(server);
});

eachVersion('the application ends its connection when it is done', async (t, version) => {
  const app = await listener(t, version, {
    invite: (req, res, srf) => {
      res.send(486, () => srf.endSession(req));
    },
  });
  const { call, server } = await callThrough(t, [{ method: 'INVITE', url: `tcp://127.0.0.1:${app.port}` }]);
  await assert.rejects(call(), { status: 486 });
  while (server.census().applications > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

eachVersion('a web server names the application', async (t, version) => {
  const app = await listener(t, version, { invite: (req, res) => res.send(486, 'Named') });
  const web = await webServer(t, json({ action: 'route', data: { uri: `127.0.0.1:${app.port}` } }));
  const { call } = await callThrough(t, [{ method: 'INVITE', url: web.url }]);
  await assert.rejects(call(), { status: 486, reason: 'Named' });
  const [{ method, path, query }] = web.asked;
  assert.equal(method, 'GET');
  assert.equal(path, '/');
  assert.equal(query.method, 'INVITE');
  assert.equal(query.domain, '127.0.0.1');
  assert.equal(query.protocol, 'udp');
  assert.equal(query.source_address, '127.0.0.1');
  assert.equal(query.uriUser, 'bob');
  assert.equal(query.toUser, 'bob');
  assert.equal(query.contentType, 'application/sdp');
  assert.match(query.uri, /^sip:bob@127\.0\.0\.1:\d+;color=blue$/);
  assert.equal(query.color, 'blue');
});

test('with POST the web server gets the request itself', async (t) => {
  const web = await webServer(t, json({ action: 'reject', data: { status: 603 } }));
  const { call } = await callThrough(t, [{ url: `${web.url}/calls`, httpMethod: 'POST' }]);
  await assert.rejects(call(), { status: 603 });
  await assert.rejects(call(), { status: 603 });
  const [{ method, path, body, headers }] = web.asked;
  assert.equal(method, 'POST');
  assert.equal(path, '/calls/');
  assert.equal(headers['content-type'], 'text/plain; charset=UTF-8');
  assert.match(body, /^INVITE sip:bob@[^]*\r\n\r\nv=0/);
});

eachVersion('a tag names applications, which take turns', async (t, version) => {
  const web = await webServer(t, (res, { query }) => json({ action: 'route', data: { tag: query.uriUser } })(res));
  const { port, address, server } = await startServer(t, { requestHandlers: [{ method: 'OPTIONS', url: web.url }] });
  const answer = (name) => ({ options: (req, res) => res.send(200, { headers: { 'X-By': name } }) });
  await connect(t, port, version, { tags: ['blue', 'green'], handlers: answer('a') });
  await connect(t, port, version, { tags: ['blue'], handlers: answer('b') });
  const caller = await station(t);
  const ask = (tag) =>
    new Promise((resolve, reject) => {
      const answered = (res) => resolve(res.get('X-By') ?? res.status);
      caller.srf.request(`sip:${tag}@${address}`, { method: 'OPTIONS' }, (err, req) => (err ? reject(err) : req.on('response', answered)));
    });
  const answered = [];
  for (const tag of ['blue', 'blue', 'blue', 'green', 'green', 'red']) answered.push(await ask(tag));
  assert.deepEqual(answered, ['a', 'b', 'a', 'a', 'a', 480]);
  await settled(server);
});

test('a web server rejects, redirects and has requests proxied', async (t) => {
  const callee = await station(t, 'drachtio-srf', { invite: (req, res) => callee.srf.createUAS(req, res, { localSdp: SDP }) });
  const answers = [
    { action: 'reject', data: { status: 410, reason: 'Moved Away' } },
    { action: 'redirect', data: { contact: ['sip:a@127.0.0.1', 'sip:b@127.0.0.1'] } },
    { action: 'proxy', data: { destination: callee.uri, recordRoute: true } },
  ];
  const web = await webServer(t, (res) => json(answers[web.asked.length - 1])(res));
  const { call, server } = await callThrough(t, [{ url: web.url }]);
  await assert.rejects(call(), { status: 410, reason: 'Moved Away' });
  await assert.rejects(call(), (err) => {
    assert.equal(err.status, 302);
    assert.equal(err.res.get('Contact').replaceAll(' ', ''), '<sip:a@127.0.0.1>,<sip:b@127.0.0.1>');
    return true;
  });
  const uac = await call();
  await uac.destroy();
  await settled(callee.server);
  await settled(server);
});

test('nobody listens where the application should be: 480', async (t) => {
  const { call, reasons } = await callThrough(t, [{ url: `tcp://127.0.0.1:${await freePort()}` }]);
  await assert.rejects(call(), { status: 480 });
  assert.match(reasons[0], /^no connection to tcp\/127\.0\.0\.1:\d+/);
});

test('an application that says nothing, or does not know the secret: 480', async (t) => {
  const silent = net.createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => silent.close());
  const limits = { authenticationTimeout: 100 };
  const quiet = await callThrough(t, [{ url: `tcp://127.0.0.1:${silent.address().port}` }], { admin: { limits } });
  await assert.rejects(quiet.call(), { status: 480 });
  const stranger = await listener(t, 'drachtio-srf', { invite: (req, res) => res.send(200) }, { secret: 'wrong' });
  const { call, reasons } = await callThrough(t, [{ url: `tcp://127.0.0.1:${stranger.port}` }]);
  await assert.rejects(call(), { status: 480 });
  assert.match(reasons[0], /did not say who it is$/);
});

for (const [what, answer] of Object.entries({
  'that is no JSON': (res) => res.end('hello'),
  'of an unknown action': json({ action: 'dance', data: {} }),
  'that is too large': (res) => res.end('x'.repeat(20_000)),
  'with a place without a port': json({ action: 'route', data: { uri: 'somewhere' } }),
  'that leads in circles': (res) => res.writeHead(302, { location: '/again' }).end(),
  'that breaks off': (res) => {
    res.writeHead(200, { 'content-length': 100 }).write('{');
    setImmediate(() => res.destroy());
  },
  'that never comes': () => {},
})) {
  test(`an answer ${what} is a 500`, async (t) => {
    const web = await webServer(t, answer);
    const { call, reasons, server } = await callThrough(t, [{ url: web.url }]);
    await assert.rejects(call(), { status: 500 });
    assert.equal(reasons.length, 1);
    await settled(server);
  });
}

test('a caller that gives up while the web server is asked gets its 487, and no application anything', async (t) => {
  const gone = deferred();
  const web = await webServer(t, (res) => gone.promise.then(() => json({ action: 'route', data: { tag: 'blue' } })(res)));
  const { caller, address, server } = await callThrough(t, [{ url: web.url }]);
  const call = caller.srf.createUAC(`sip:bob@${address}`, { localSdp: SDP }, { cbRequest: (err, req) => setTimeout(() => req.cancel(() => {}), 20) });
  await assert.rejects(call, { status: 487 });
  gone.resolve();
  await settled(server);
});

eachVersion('an application is connected to by TLS, and must prove its name if that is asked for', async (t, version) => {
  const { cert, key } = selfSigned('localhost');
  const tls = { cert: readFileSync(cert), key: readFileSync(key) };
  const app = await listener(t, version, { invite: (req, res) => res.send(486, 'Secured') }, { tls });
  const url = `tls://localhost:${app.port}`;
  const trusted = await callThrough(t, [{ url, verifyPeer: true }], { engine: { tls: { ca: [cert] } } });
  await assert.rejects(trusted.call(), { status: 486 });
  const untrusted = await callThrough(t, [{ url, verifyPeer: true }]);
  await assert.rejects(untrusted.call(), { status: 480 });
  const waived = await callThrough(t, [{ url }]);
  await assert.rejects(waived.call(), { status: 486 });
});
