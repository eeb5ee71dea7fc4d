'use strict';
// One application, unchanged, with the engine in its process, as a client of a server over TCP and over TLS, and with the server
// connecting to it. At the far end: two telephones on engines of their own.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const drachtio = require('../..');
const application = require('./application');
const { selfSigned } = require('../tls/pki');

const SECRET = 'cymru';
const CONTACT = 'sip:127.0.0.1:0;transport=udp,tcp';

const portOf = (hostport) => Number(hostport.split(':').pop());

async function serve(t, options) {
  const server = await drachtio.serve({ contact: CONTACT, ...options, admin: { host: '127.0.0.1', port: 0, secret: SECRET, ...options?.admin } });
  t.after(() => server.close());
  return { server, hostport: server.hostports[0], port: portOf(server.adminHostports[0]) };
}

/** How the application gets its engine: each gives the address of that engine. */
const WAYS = {
  async embedded(t, app) {
    app.connect({ contact: CONTACT });
    const [, hostport] = await once(app, 'connect');
    return hostport.split(',')[0];
  },
  async 'client over TCP'(t, app) {
    const { hostport, port } = await serve(t);
    app.connect({ host: '127.0.0.1', port, secret: SECRET });
    await once(app, 'connect');
    return hostport;
  },
  async 'client over TLS'(t, app) {
    const certificate = selfSigned('localhost');
    const { hostport, port } = await serve(t, { admin: { port: false, tlsPort: 0, certificate } });
    app.connect({ host: '127.0.0.1', port, secret: SECRET, tls: { ca: readFileSync(certificate.cert), servername: 'localhost' } });
    await once(app, 'connect');
    return hostport;
  },
  async 'listening for the server'(t, app) {
    const listener = app.listen({ host: '127.0.0.1', port: 0, secret: SECRET });
    await once(app, 'listening');
    const { hostport } = await serve(t, { requestHandlers: [{ url: `tcp://127.0.0.1:${listener.address().port}` }] });
    return hostport;
  },
};

/** A telephone: an application with an engine of its own. */
async function telephone(t, prepare = () => {}) {
  const phone = drachtio();
  prepare(phone);
  phone.connect({ contact: CONTACT });
  const [, hostport] = await once(phone, 'connect');
  t.after(() => phone.disconnect());
  return { phone, uri: `sip:phone@${hostport.split(',')[0].split('/')[1]}` };
}

/** Sends a request and waits for its final response. */
async function ask(phone, uri, options) {
  const req = await phone.request(uri, options);
  const provisional = [];
  for await (const res of req.responses()) {
    if (res.status >= 200) return { req, res, provisional };
    provisional.push(res.status);
  }
  throw new Error('no final response');
}

/** What the application says next. */
function told(app) {
  return new Promise((resolve) => app.once('told', resolve));
}

for (const [way, connect] of Object.entries(WAYS)) {
  test(`the application, ${way}`, async (t) => {
    const app = drachtio();
    t.after(() => app.disconnect());
    application(app);
    const hostport = await connect(t, app);
    const to = (number) => `sip:${number}@${hostport.split('/')[1]}`;
    const heard = [];
    const { phone } = await telephone(t, (phone) => {
      phone.info((req, res) => {
        heard.push(req.get('X-Question'));
        res.send(200);
      });
      phone.bye((req, res) => res.send(200));
    });
    const { uri: calleeUri } = await telephone(t, (callee) => {
      callee.invite((req, res) => {
        heard.push(req.get('X-By') ?? req.body);
        res.send(200, { body: 'v=0\r\ns=callee\r\n' });
      });
      callee.bye((req, res) => res.send(200));
    });

    await t.test('a request is answered, and tells how it came', async () => {
      const { res } = await ask(phone, to('app'), { method: 'OPTIONS' });
      assert.deepEqual([res.status, res.get('X-Came')], [200, 'network udp 127.0.0.1']);
    });

    await t.test('bodies are text of any alphabet', async () => {
      const { res } = await ask(phone, to('app'), { method: 'MESSAGE', headers: { 'Content-Type': 'text/plain' }, body: 'Grüße 😀' });
      assert.deepEqual([res.status, res.body], [200, 'Grüße 😀!']);
    });

    await t.test('a method that no handler is for is refused', async () => {
      const { res } = await ask(phone, to('app'), { method: 'PUBLISH', headers: { Event: 'presence' } });
      assert.ok([404, 405].includes(res.status), String(res.status));
    });

    await t.test('a call is refused', async () => {
      const { res } = await ask(phone, to('busy'), { method: 'INVITE', body: 'v=0\r\n' });
      assert.deepEqual([res.status, res.reason, res.get('X-Why')], [486, 'Not Now', 'busy']);
    });

    await t.test('a call is taken, asked in, and hung up by the caller', async () => {
      const { res, provisional } = await ask(phone, to('answer'), { method: 'INVITE', body: 'v=0\r\n' });
      assert.deepEqual([res.status, provisional], [200, [180]]);
      assert.match(res.body, /s=grüße/);
      const asked = told(app);
      await res.ack();
      assert.equal(await asked, 'INFO 200');
      assert.equal(heard.pop(), 'how?');
      const info = await ask(phone, to('app'), { method: 'INFO', stackDialogId: res.stackDialogId });
      assert.equal(info.res.get('X-Answer'), 'well');
      const over = told(app);
      const bye = await ask(phone, to('app'), { method: 'BYE', stackDialogId: res.stackDialogId });
      assert.equal(bye.res.status, 200);
      assert.equal(await over, 'BYE');
    });

    await t.test('a call is taken and hung up by the application', async () => {
      const { res } = await ask(phone, to('hangUp'), { method: 'INVITE', body: 'v=0\r\n' });
      const over = told(app);
      await res.ack();
      assert.equal(await over, 'BYE 200');
    });

    await t.test('a caller gives up', async () => {
      const req = await phone.request(to('ring'), { method: 'INVITE', body: 'v=0\r\n' });
      const cancelled = told(app);
      for await (const res of req.responses()) {
        if (res.status === 180) req.cancel();
        else assert.equal(res.status, 487);
      }
      assert.equal(await cancelled, 'cancelled');
    });

    await t.test('a call is proxied', async () => {
      const proxied = told(app);
      const { res } = await ask(phone, to('proxy'), { method: 'INVITE', headers: { 'X-To': calleeUri }, body: 'v=0\r\n' });
      assert.equal(res.status, 200);
      assert.equal(heard.pop(), 'proxy');
      assert.equal(await proxied, 'proxied 200 true');
      await res.ack();
      const bye = await ask(phone, to('app'), { method: 'BYE', stackDialogId: res.stackDialogId });
      assert.equal(bye.res.status, 200);
    });

    await t.test('a call is bridged to another one that the application makes', async () => {
      const { res } = await ask(phone, to('bridge'), { method: 'INVITE', headers: { 'X-To': calleeUri }, body: 'v=0\r\ns=a\r\n' });
      assert.deepEqual([res.status, res.body], [200, 'v=0\r\ns=callee\r\n']);
      assert.equal(heard.pop(), 'v=0\r\ns=a\r\n');
      await res.ack();
      const over = told(app);
      await ask(phone, to('app'), { method: 'BYE', stackDialogId: res.stackDialogId });
      assert.equal(await over, 'BYE');
    });

    await t.test('who registers is asked for a password', async () => {
      const auth = { username: 'alice', password: 'secret' };
      const headers = { To: `<${to('alice')}>`, From: `<${to('alice')}>`, Contact: '<sip:alice@127.0.0.1>' };
      const { res } = await ask(phone, to('app'), { method: 'REGISTER', headers, auth });
      assert.deepEqual([res.status, res.get('X-User')], [200, 'alice']);
      const refused = await ask(phone, to('app'), { method: 'REGISTER', headers, auth: { ...auth, password: 'wrong' } });
      assert.ok([401, 403].includes(refused.res.status), String(refused.res.status));
    });

    await t.test('what the engine refuses has the same code', async () => {
      const { res } = await ask(phone, to('refused'), { method: 'INVITE', body: 'v=0\r\n' });
      assert.deepEqual([res.status, res.get('X-Why')], [480, 'DRT_ERR_UNKNOWN_DIALOG']);
    });
  });
}
