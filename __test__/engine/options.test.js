'use strict';
// Every option of the engine does what docs/options.md says.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const net = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');
const drachtio = require('../..');
const { startApp } = require('./app');
const { TcpPeer, UdpPeer, answer, request, statusOf, withPeer } = require('./peer');
const { everyOption, withOption } = require('../api/support/options');
const { loadEngine } = require('../../lib/native');

const ignore = () => {};

test('the engine knows every option, and refuses one that it does not know', async () => {
  const Engine = loadEngine();
  const start = async (engine) => {
    const started = new Engine(ignore);
    await started.start({ contacts: [{ uri: 'sip:127.0.0.1:0;transport=udp' }], routes: [], engine });
    await started.close();
  };
  for (const { name, kind } of everyOption()) {
    const refusal = await start(withOption(name, kind.example)).catch((err) => err);
    // What a file says is read at the start; that it is not there says that the option is known.
    assert.doesNotMatch(String(refusal), /unknown option|must be/, name);
    const sections = name.split('.').slice(0, -1);
    const misspelt = [...sections, 'x-none'].join('.');
    await assert.rejects(start(withOption(misspelt, 1)), { code: 'DRT_ERR_INVALID_OPTION', message: `connect: unknown option 'engine.${misspelt}'` });
    await assert.rejects(start(withOption(name, Symbol('x'))), { code: 'DRT_ERR_INVALID_OPTION', message: new RegExp(`'engine\\.${name}`) }, name);
  }
});

test('each timer and limit has a test here; the sections that concern sockets are tested with them', () => {
  const text = readFileSync(__filename, 'utf8');
  // What the kernel has been asked to buffer shows on the socket only: src/transport/bind.rs.
  const mine = everyOption().map(({ name }) => name).filter((name) => /^(timers|limits)\./.test(name) && name !== 'limits.udpBuffer');
  assert.deepEqual(mine.filter((name) => !text.includes(`test('${name}: `)), []);
});

/** Sends a request from the application, and gathers the statuses of its responses. */
function sending(app, uri, options = {}) {
  return new Promise((resolve, reject) => {
    app.request({ uri, method: 'OPTIONS', ...options }, (err, req) => {
      if (err) return reject(err);
      const statuses = [];
      req.on('response', (res, ack) => {
        statuses.push(res.status);
        if (res.status >= 200) {
          ack();
          resolve({ req, statuses });
        }
      });
      return undefined;
    });
  });
}

const finalStatus = async (app, uri, options) => (await sending(app, uri, options)).statuses.at(-1);

test('timers.t1: a request that nobody answers is given up after 64 of it', async (t) => {
  const { app } = await startApp(t, ignore, { timers: { t1: 10 } });
  await withPeer('udp', 0, async (peer) => {
    assert.equal(await finalStatus(app, `sip:127.0.0.1:${peer.port}`), 408);
  });
});

test('timers.transaction: a request that nobody answers is given up after it, whatever T1 is', async (t) => {
  const { app } = await startApp(t, ignore, { timers: { transaction: 640 } });
  await withPeer('udp', 0, async (peer) => {
    assert.equal(await finalStatus(app, `sip:127.0.0.1:${peer.port}`), 408);
    // T1 is 500 ms.
    assert.ok(peer.heard.length <= 2, String(peer.heard.length));
  });
});

test('timers.t2: repetitions are not further apart', async (t) => {
  const copies = async (timers) => {
    const { app } = await startApp(t, ignore, { timers });
    return withPeer('udp', 0, async (peer) => {
      await finalStatus(app, `sip:127.0.0.1:${peer.port}`);
      return peer.heard.length;
    });
  };
  // Doubled each time, seven copies fill 64 intervals; never doubled, it takes 64.
  assert.ok((await copies({ t1: 20, t2: 4_000 })) < 15);
  assert.ok((await copies({ t1: 20, t2: 20 })) > 15);
});

test('timers.t4: a finished request by UDP is forgotten after it', async (t) => {
  const { app } = await startApp(t, ignore, { timers: { t4: 10 } });
  const peer = await UdpPeer.open();
  t.after(() => peer.close());
  const sent = finalStatus(app, `sip:127.0.0.1:${peer.port}`);
  peer.send(answer(await peer.next(), '200 OK'), Number(app.get('hostport').split(':').pop()));
  assert.equal(await sent, 200);
  // By default it takes five seconds.
  for (let i = 0; i < 300 && app.client.census().clientTransactions > 0; i++) await sleep(10);
  assert.equal(app.client.census().clientTransactions, 0);
});

test('timers.c: an INVITE that rings for longer is cancelled', async (t) => {
  const { app, port } = await startApp(t, ignore, { timers: { c: 1_000 } });
  const peer = await UdpPeer.open();
  t.after(() => peer.close());
  const sent = finalStatus(app, `sip:127.0.0.1:${peer.port}`, { method: 'INVITE' });
  const invite = await peer.next();
  peer.send(answer(invite, '180 Ringing'), port);
  const cancel = await peer.next((message) => message.startsWith('CANCEL'));
  peer.send(answer(cancel, '200 OK'), port);
  peer.send(answer(invite, '487 Request Terminated'), port);
  // The caller is told that it took too long, or what became of the INVITE.
  assert.ok([408, 487].includes(await sent));
});

test('timers.application: an application that does not answer is spoken for, and told', async (t) => {
  const told = [];
  const { port } = await startApp(t, (app) => app.use((req, res) => {
    req.on('refused', (err) => {
      told.push([req.method, err.code, err.status]);
      res.send(200, (late) => told.push(late.code));
    });
  }), { timers: { application: 100 } });
  for (const method of ['MESSAGE', 'INVITE']) {
    await withPeer('udp', port, async (peer) => {
      peer.send(request(peer, method), port);
      const response = await peer.next((message) => statusOf(message) >= 200);
      assert.equal(statusOf(response), 503);
      assert.match(response, /^Retry-After: \d+\r$/m);
    });
  }
  for (let i = 0; i < 100 && told.length < 4; i++) await sleep(10);
  assert.deepEqual(told, [['MESSAGE', 'DRT_ERR_NOT_ANSWERED', 503], 'DRT_ERR_NOT_ANSWERED', ['INVITE', 'DRT_ERR_NOT_ANSWERED', 503], 'DRT_ERR_NOT_ANSWERED']);
});

test('timers.ringing: a call that rings for longer is ended', async (t) => {
  const { port } = await startApp(t, (app) => app.invite((_req, res) => res.send(180)), { timers: { ringing: 1_000 } });
  await withPeer('udp', port, async (peer) => {
    peer.send(request(peer, 'INVITE'), port);
    assert.equal(await peer.finalStatus(), 500);
  });
});

test('limits.serverTransactions: a request too many is answered 503', async (t) => {
  const { port } = await startApp(t, (app) => app.use(ignore), { limits: { serverTransactions: 1 } });
  await withPeer('udp', port, async (peer) => {
    for (let i = 0; i < 2; i++) peer.send(request(peer, 'OPTIONS'), port);
    assert.equal(await peer.finalStatus(), 503);
  });
});

const LIMIT_REACHED = { code: 'DRT_ERR_LIMIT_REACHED' };

test('limits.clientTransactions: a request too many is refused', async (t) => {
  const { app } = await startApp(t, ignore, { limits: { clientTransactions: 1 }, timers: { t1: 10 } });
  await withPeer('udp', 0, async (peer) => {
    const uri = `sip:127.0.0.1:${peer.port}`;
    const first = finalStatus(app, uri);
    await assert.rejects(sending(app, uri), LIMIT_REACHED);
    assert.equal(await first, 408);
  });
});

test('limits.dialogs: a call too many is refused', async (t) => {
  const refusals = [];
  const { port } = await startApp(t, (app) => app.invite((_req, res) => res.send(180, (err) => refusals.push(err?.code))), { limits: { dialogs: 1 } });
  await withPeer('udp', port, async (peer) => {
    for (let i = 0; i < 2; i++) peer.send(request(peer, 'INVITE'), port);
    for (let i = 0; i < 200 && refusals.length < 2; i++) await sleep(10);
    assert.deepEqual(refusals, [undefined, 'DRT_ERR_LIMIT_REACHED']);
  });
});

test('limits.proxies: a request too many is not proxied', async (t) => {
  const outcomes = [];
  const callee = await UdpPeer.open();
  t.after(() => callee.close());
  const { port } = await startApp(t, (app) => app.use((req) => {
    req.proxy({ destination: `sip:127.0.0.1:${callee.port}` }, (err) => outcomes.push(err?.code));
  }), { limits: { proxies: 1 } });
  await withPeer('udp', port, async (peer) => {
    for (let i = 0; i < 2; i++) peer.send(request(peer, 'MESSAGE', { uri: `sip:x@127.0.0.1:${callee.port}` }), port);
    for (let i = 0; i < 200 && outcomes.length === 0; i++) await sleep(10);
    assert.deepEqual(outcomes, ['DRT_ERR_LIMIT_REACHED']);
  });
});

test('limits.lookups: a name too many is not looked up', async (t) => {
  const { app } = await startApp(t, ignore, { limits: { lookups: 1 } });
  const first = sending(app, 'sip:one.example').catch((err) => err);
  await assert.rejects(sending(app, 'sip:two.example'), LIMIT_REACHED);
  await first;
});

test('limits.registrations: of clients behind their connections, one too many takes the place of another', async (t) => {
  const { app, port } = await startApp(t, (app) => {
    app.register((req, res) => res.send(200, { headers: { Contact: req.get('Contact'), Expires: '600' } }));
  }, { limits: { registrations: 1 } });
  const clients = [];
  for (const name of ['one', 'two']) {
    const client = await TcpPeer.open(port);
    t.after(() => client.close());
    client.send(request(client, 'REGISTER', { headers: { Contact: `<sip:${name}@client.invalid;transport=tcp>` } }));
    assert.equal(await client.finalStatus(), 200);
    clients.push(client);
  }
  await assert.rejects(sending(app, 'sip:one@client.invalid;transport=tcp'), { code: 'DRT_ERR_FLOW_FAILED' });
  const reached = finalStatus(app, 'sip:two@client.invalid;transport=tcp');
  clients[1].send(answer(await clients[1].next(), '200 OK'));
  assert.equal(await reached, 200);
});

test('limits.connections: a connection too many closes another', async (t) => {
  const { port } = await startApp(t, ignore, { limits: { connections: 1 } });
  const first = await TcpPeer.open(port);
  const second = await TcpPeer.open(port);
  t.after(() => second.close());
  await first.next(ignore);
  assert.equal(first.isClosed, true);
});

/** How many of ten requests with this body are not sent at all, when they are sent at once on one connection. */
async function lost(t, limits, body) {
  const { app } = await startApp(t, ignore, { limits, timers: { t1: 10 } });
  const sockets = [];
  const server = net.createServer((socket) => sockets.push(socket.on('error', ignore))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const uri = `sip:x@127.0.0.1:${server.address().port};transport=tcp`;
  const headers = { 'Content-Type': 'text/plain' };
  const sent = Array.from({ length: 10 }, () => finalStatus(app, uri, { method: 'MESSAGE', body, headers }).catch(() => 503));
  return (await Promise.all(sent)).filter((status) => status !== 408).length;
}

test('limits.queuedMessages: a message too many on one connection is not sent', async (t) => {
  assert.equal(await lost(t, {}, 'x'), 0);
  assert.ok((await lost(t, { queuedMessages: 1 }, 'x')) > 0);
});

test('limits.queuedBytes: bytes too many on one connection are not sent', async (t) => {
  const body = 'x'.repeat(30_000);
  assert.equal(await lost(t, {}, body), 0);
  assert.ok((await lost(t, { queuedBytes: 65_536 }, body)) > 0);
});

test('optionsAutoAnswer: OPTIONS do not reach the application', async (t) => {
  const told = [];
  const configure = (app) => app.use((req, res) => {
    told.push(req.method);
    res.send(486);
  });
  const status = (port, method, headers) => withPeer('udp', port, async (peer) => {
    peer.send(request(peer, method, { headers }), port);
    const response = await peer.next((message) => statusOf(message) >= 200);
    if (statusOf(response) === 200) for (const name of ['Allow', 'Accept', 'Supported']) assert.match(response, new RegExp(`^${name}: .+\r$`, 'm'));
    return statusOf(response);
  });
  const all = await startApp(t, configure, { optionsAutoAnswer: true });
  assert.deepEqual([await status(all.port, 'OPTIONS'), await status(all.port, 'MESSAGE')], [200, 486]);
  const some = await startApp(t, configure, { optionsAutoAnswer: 'monitor/1' });
  assert.deepEqual([await status(some.port, 'OPTIONS', { 'User-Agent': 'monitor/1' }), await status(some.port, 'OPTIONS', { 'User-Agent': 'monitor/10' })], [200, 486]);
  const none = await startApp(t, configure, { optionsAutoAnswer: false });
  assert.equal(await status(none.port, 'OPTIONS'), 486);
  assert.deepEqual(told, ['MESSAGE', 'OPTIONS', 'OPTIONS']);
});

test('supported, accept: what the application declares is not refused', async (t) => {
  const configure = (app) => app.use((_req, res) => res.send(200));
  const ask = (port, headers) => withPeer('udp', port, (peer) => {
    peer.send(request(peer, 'INVITE', { headers: { 'Content-Type': 'application/sdp', ...headers }, body: 'v=0\r\n' }), port);
    return peer.finalStatus();
  });
  const { port } = await startApp(t, configure, { supported: ['x-ours'], accept: ['application/x-ours', 'text/*'] });
  assert.equal(await ask(port, { Require: 'x-ours', 'Content-Type': 'application/x-ours' }), 200);
  assert.equal(await ask(port, { 'Content-Type': 'text/plain' }), 200);
  assert.equal(await ask(port, { Require: 'x-theirs', 'Content-Type': 'text/plain' }), 420);
  assert.equal(await ask(port, { 'Content-Type': 'application/sdp' }), 415);
});

test('connections.webSocketOrigins: pages of other web sites are refused', async (t) => {
  const app = drachtio();
  app.connect({ contact: 'sip:127.0.0.1:0;transport=ws', engine: { connections: { webSocketOrigins: ['https://app.example.com'] } } });
  t.after(() => app.disconnect());
  const [, hostports] = await once(app, 'connect');
  const port = Number(hostports.split(':').at(-1));
  const statusFor = async (...headers) => {
    const socket = net.connect(port, '127.0.0.1');
    const asked = ['GET / HTTP/1.1', 'Host: sip.example.com', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
    socket.write([...asked, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Protocol: sip', ...headers, '', ''].join('\r\n'));
    const [answered] = await once(socket, 'data');
    socket.destroy();
    return String(answered).split(' ')[1];
  };
  assert.equal(await statusFor('Origin: https://app.example.com'), '101');
  assert.equal(await statusFor('Origin: https://evil.example.com'), '403');
  assert.equal(await statusFor(), '101');
});

test('connections.keepAliveInterval: a silent peer is sent a ping of RFC 5626, and its pong keeps the connection', async (t) => {
  const { app } = await startApp(t, ignore, { connections: { keepAliveInterval: 100 } });
  let heard = '';
  const server = net.createServer((socket) => {
    socket.setEncoding('latin1').on('error', ignore).on('data', (text) => {
      heard += text;
      if (/^OPTIONS/.test(text)) socket.write(answer(text, 200));
      else if (text === '\r\n\r\n') socket.write('\r\n');
    });
    t.after(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const uri = `sip:127.0.0.1:${server.address().port};transport=tcp`;
  assert.equal(await finalStatus(app, uri), 200);
  const pings = () => heard.split('\r\n\r\n\r\n\r\n').length;
  for (const end = Date.now() + 5_000; pings() < 3 && Date.now() < end; ) await sleep(20);
  assert.ok(pings() >= 3, JSON.stringify(heard));
  assert.equal(app.client.census().connections, 1);
});
