'use strict';
// RFC 3261 §16.6, §16.12: an application decides on the requests of a dialog whose route it has recorded, and changes what it sends on.

const test = require('node:test');
const assert = require('node:assert/strict');
const { startApp } = require('./app');
const { answer, request, statusOf, UdpPeer } = require('./peer');

const isRequest = (method) => (message) => message.startsWith(`${method} `);
const header = (message, name) => new RegExp(`^${name}: *(.*)$`, 'im').exec(message)?.[1];

/** A call from one peer to another through an application. */
async function call(t, configure) {
  const [alice, bob] = [await UdpPeer.open(), await UdpPeer.open()];
  t.after(() => [alice, bob].forEach((peer) => peer.close()));
  const { app, port } = await startApp(t, configure(`sip:bob@127.0.0.1:${bob.port}`));
  const invite = request(alice, 'INVITE', { uri: `sip:bob@127.0.0.1:${port}`, headers: { 'User-Agent': 'secret' } });
  alice.send(invite, port);
  const received = await bob.next(isRequest('INVITE'));
  bob.send(answer(received, '200 OK', `Contact: <sip:bob@127.0.0.1:${bob.port}>\r\n`), port);
  const ok = await alice.next((message) => statusOf(message) === 200);
  const inDialog = (method, seq) => {
    const common = { 'Call-ID': header(invite, 'Call-ID'), From: header(invite, 'From'), To: header(ok, 'To') };
    const route = header(ok, 'Record-Route');
    return request(alice, method, { uri: `sip:bob@127.0.0.1:${bob.port}`, headers: { ...common, CSeq: `${seq} ${method}`, Route: route } });
  };
  alice.send(inDialog('ACK', 1), port);
  await bob.next(isRequest('ACK'));
  return { app, port, alice, bob, received, inDialog };
}

test('what is sent on is changed as the options say', async (t) => {
  const { received } = await call(t, (destination) => (app) => app.invite((req) => req.proxy({
    destination,
    remainInDialog: true,
    removeHeaders: 'user-agent',
    setHeaders: { Subject: 'changed', From: '<sip:hidden@anonymous.invalid>' },
    preserveRequestUri: true,
  })));
  assert.match(received, /^INVITE sip:bob@127\.0\.0\.1:\d+ SIP/);
  assert.equal(header(received, 'User-Agent'), undefined);
  assert.equal(header(received, 'Subject'), 'changed');
  assert.match(header(received, 'From'), /^<sip:hidden@anonymous\.invalid>;tag=peer/);
});

test('a header that the proxy works by is named in the error', async (t) => {
  const alice = await UdpPeer.open();
  t.after(() => alice.close());
  const errors = [];
  const { port } = await startApp(t, (app) => app.options(async (req, res) => {
    for (const options of [{ removeHeaders: 'Via' }, { setHeaders: { From: '<sip:a@b>;tag=other' } }]) {
      await req.proxy({ ...options, destination: 'sip:127.0.0.1:9' }).catch((err) => errors.push(`${err.code} ${err.message}`));
    }
    res.send(200);
  }));
  alice.send(request(alice, 'OPTIONS'), port);
  assert.equal(await alice.finalStatus(), 200);
  assert.deepEqual(errors.map((text) => /^DRT_ERR_PROTECTED_HEADER the header (\S+) /.exec(text)?.[1]), ['Via', 'From']);
});

test('requests inside the dialog are refused, passed and changed as the handlers decide', async (t) => {
  const seen = [];
  const { alice, bob, port, inDialog } = await call(t, (destination) => (app) => {
    app.invite((req) => req.proxy({ destination, remainInDialog: true }));
    app.onInDialog('info', (req, res) => res.send(403));
    app.onInDialog((req, res, next) => {
      seen.push(req.method);
      if (req.method !== 'MESSAGE') next();
      else req.proxy({ setHeaders: { 'X-Seen': 'yes' } }).then(({ finalStatus }) => seen.push(finalStatus));
    });
  });
  alice.send(inDialog('INFO', 2), port);
  assert.equal(await alice.finalStatus(), 403);
  alice.send(inDialog('MESSAGE', 3), port);
  const message = await bob.next();
  assert.match(message, /^MESSAGE /, 'the INFO has not come');
  assert.equal(header(message, 'X-Seen'), 'yes');
  assert.equal(header(message, 'Route'), undefined);
  bob.send(answer(message, '202 Accepted'), port);
  assert.equal(await alice.finalStatus(), 202);
  alice.send(inDialog('BYE', 4), port);
  const bye = await bob.next(isRequest('BYE'));
  bob.send(answer(bye, '200 OK'), port);
  assert.equal(await alice.finalStatus(), 200);
  assert.deepEqual(seen, ['MESSAGE', 202, 'BYE']);
});

test('without such handlers they pass and nobody is asked', async (t) => {
  const { alice, bob, port, inDialog } = await call(t, (destination) => (app) => {
    app.invite((req) => req.proxy({ destination, remainInDialog: true }));
    app.use((req, res) => res.send(500));
  });
  alice.send(inDialog('INFO', 2), port);
  const info = await bob.next(isRequest('INFO'));
  bob.send(answer(info, '200 OK'), port);
  assert.equal(await alice.finalStatus(), 200);
});
