'use strict';
// Servers that connect to the application when they have a request for it (outbound connections).

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { listening, connected, told, drachtio } = require('../support/client');
const { FakeServer, request, response } = require('../support/fake_drachtio_server');

test('the application speaks first, and asks for no routes', async (t) => {
  const { app, dial } = await listening(t, (app) => app.invite(() => {}), { tags: 'blue' });
  const [peer, args] = await Promise.all([dial(), told(app, 'connect')]);
  assert.equal(peer.said[0].line, 'authenticate|cymru|blue');
  assert.deepEqual(args, [null, 'udp/127.0.0.1:5060,tcp/127.0.0.1:5060', 'v0.9.10', 'udp/10.0.0.5:5060']);
  app.message(() => {});
  app.request('sip:a@b', { method: 'OPTIONS' }).catch(() => {});
  await peer.next('sip');
  assert.deepEqual(peer.said.map(({ type }) => type), ['authenticate', 'sip']);
});

test('each request is answered on its own connection', async (t) => {
  const sockets = new Set();
  const { dial } = await listening(t, (app) => app.invite((req, res) => {
    assert.equal(req.socket, res.socket);
    assert.ok(req.socket instanceof net.Socket);
    sockets.add(req.socket);
    res.send(486, { headers: { 'X-For': req.get('call-id') } });
  }));
  const peers = await Promise.all(Array.from({ length: 5 }, () => dial()));
  for (const [i, peer] of peers.entries()) {
    await peer.next('authenticate');
    peer.deliver(request('INVITE', { callId: `call-${i}` }), { txn: `T${i}` });
  }
  for (const [i, peer] of peers.entries()) {
    const said = await peer.next('sip');
    assert.equal(said.line, `sip|T${i}|`);
    assert.match(said.text, new RegExp(`X-For: call-${i}\r\n`));
    assert.equal(peer.said.length, 2);
  }
  assert.equal(sockets.size, 5);
});

test('a request that comes with the answer to authenticate is not missed', async (t) => {
  const { dial } = await listening(t, (app) => app.invite((req, res) => res.send(486)));
  const peer = await dial({ automatic: false });
  const hello = await peer.next('authenticate');
  const text = request('INVITE', { body: 'größer' });
  peer.raw(
    peer.frame(`id|response|${hello.id}|OK|udp/127.0.0.1:5060|v0.9.10`) +
      peer.frame(`id|sip|network|9|udp|h|5060|18:02:49.715381|T1||h|5060|\r\n${text}`),
  );
  assert.match((await peer.next('sip')).text, /^SIP\/2\.0 486 /);
});

test('requests inside a dialog go by the connection that it is on', async (t) => {
  const calls = [];
  const { app, dial } = await listening(t, (app) => app.invite((req, res) => res.send(200, {}, () => {}, () => {
    calls.push(res.stackDialogId);
    app.emit('up');
  })));
  const peers = await Promise.all([dial(), dial(), dial()]);
  for (const [i, peer] of peers.entries()) {
    const callId = `call-${i}`;
    const dialog = `${callId};from-tag=a1`;
    const up = told(app, 'up');
    peer.deliver(request('INVITE', { callId }), { txn: `T${i}` });
    peer.accept(await peer.next('sip'), { txn: `T${i}`, dialog }, response(200, 'OK', { callId }));
    peer.deliver(request('ACK', { callId }), { txn: `T${i}`, dialog });
    await up;
  }
  for (const [i, dialogId] of calls.entries()) {
    app.request({ method: 'BYE', stackDialogId: dialogId }).catch(() => {});
    const bye = await peers[i].next('sip');
    assert.equal(bye.line, `sip||${dialogId}`);
  }
});

test('a request goes by the connection that is named', async (t) => {
  const sockets = [];
  const { app, dial } = await listening(t, (app) => app.options((req, res) => {
    sockets.push(req.socket);
    res.send(200);
    app.emit('heard');
  }));
  const peers = [];
  for (let i = 0; i < 3; i++) {
    peers.push(await dial());
    const heard = told(app, 'heard');
    peers[i].deliver(request('OPTIONS'));
    await heard;
    await peers[i].next('sip');
  }
  for (const i of [1, 0, 2]) {
    app.request('sip:a@b', { method: 'MESSAGE', _socket: sockets[i] }).catch(() => {});
    assert.match((await peers[i].next('sip')).text, /^MESSAGE /);
    app.request(sockets[i], 'sip:a@b', { method: 'INFO' }).catch(() => {});
    assert.match((await peers[i].next('sip')).text, /^INFO /);
  }
});

test('endSession ends the connection of a request when everything has been written, and no other', async (t) => {
  const { app, dial } = await listening(t, (app) => app.invite((req, res) => {
    res.send(486);
    app.endSession(req);
  }));
  const peers = await Promise.all([dial(), dial()]);
  const closed = told(app, 'close');
  peers[0].deliver(request('INVITE'));
  assert.match((await peers[0].next('sip')).text, /^SIP\/2\.0 486 /);
  await peers[0].closed;
  assert.ok((await closed)[0] instanceof net.Socket);
  peers[1].deliver(request('INVITE'));
  assert.match((await peers[1].next('sip')).text, /^SIP\/2\.0 486 /);
});

test('endSession does nothing to a connection that the application has made', async (t) => {
  const { peer } = await connected(t, (app) => app.options((req, res) => {
    res.send(200);
    app.endSession(res);
  }));
  await peer.next('route');
  for (let i = 0; i < 2; i++) {
    peer.deliver(request('OPTIONS'));
    await peer.next('sip');
  }
});

test('a request that nobody takes is answered, and its connection ended', async (t) => {
  const { dial } = await listening(t);
  const peer = await dial();
  peer.deliver(request('INVITE'));
  assert.match((await peer.next('sip')).text, /^SIP\/2\.0 404 Not Found\r\n/);
  await peer.closed;
});

test('a connection that makes no sense ends, and the others go on', async (t) => {
  const { app, dial } = await listening(t, (app) => app.options((req, res) => res.send(200)));
  const [bad, good] = await Promise.all([dial(), dial()]);
  await Promise.all([bad.next('authenticate'), good.next('authenticate')]);
  const failed = told(app, 'error');
  bad.raw('nonsense');
  const [err, socket] = await failed;
  assert.equal(err.code, 'DRT_ERR_PROTOCOL');
  assert.ok(socket instanceof net.Socket);
  await bad.closed;
  good.deliver(request('OPTIONS'));
  await good.next('sip');
});

test('a server that does not know the secret is left', async (t) => {
  const { app, dial } = await listening(t, undefined, { secret: 'other' });
  const failed = told(app, 'error');
  const peer = await dial();
  assert.equal((await failed)[0].code, 'DRT_ERR_AUTHENTICATION');
  await peer.closed;
});

test('what was under way on a connection is lost with it', async (t) => {
  const { app, dial } = await listening(t);
  const arrived = new Promise((resolve) => {
    app.invite((req) => resolve(req));
  });
  const peer = await dial();
  peer.deliver(request('INVITE'));
  const req = await arrived;
  const lost = once(req, 'lost');
  peer.socket.destroy();
  assert.equal((await lost)[0].code, 'DRT_ERR_CONNECTION_LOST');
  assert.equal(app.idle, true);
  assert.throws(() => app.request('sip:a@b', { method: 'OPTIONS' }), { code: 'DRT_ERR_NOT_CONNECTED' });
});

test('listen returns a server of node:net and calls back; close ends it', async (t) => {
  const app = drachtio();
  t.after(() => app.disconnect());
  let server;
  await new Promise((resolve) => {
    server = app.listen({ port: 0, host: '127.0.0.1', secret: 'cymru' }, resolve);
  });
  assert.ok(server instanceof net.Server);
  assert.throws(() => app.listen({ port: 0, secret: 'cymru' }), { code: 'DRT_ERR_ALREADY_CONNECTED' });
  const { port } = server.address();
  app.close();
  await assert.rejects(FakeServer.dial(port), { code: 'ECONNREFUSED' });
  app.close();
});

test('an address that is taken is an error event', async (t) => {
  const { listener } = await listening(t);
  const app = drachtio();
  app.listen({ port: listener.address().port, host: '127.0.0.1', secret: 'cymru' });
  const [err] = await once(app, 'error');
  assert.equal(err.code, 'EADDRINUSE');
});

test('an application connects to one server and listens for others', async (t) => {
  const { app, peer } = await connected(t, (app) => app.options((req, res) => res.send(200, { headers: { 'X-Where': req.server.hostport } })), {
    server: { hostports: 'udp/made' },
  });
  const listener = app.listen({ port: 0, host: '127.0.0.1', secret: 'cymru' });
  await once(app, 'listening');
  const other = await FakeServer.dial(listener.address().port, { hostports: 'udp/accepted' });
  t.after(() => other.socket.destroy());
  for (const [where, name] of [[peer, 'udp/made'], [other, 'udp/accepted']]) {
    await where.next('authenticate');
    where.deliver(request('OPTIONS'));
    assert.match((await where.next('sip')).text, new RegExp(`X-Where: ${name}\r\n`));
  }
  app.request('sip:a@b', { method: 'MESSAGE' }).catch(() => {});
  assert.match((await peer.next('sip')).text, /^MESSAGE /);
});
