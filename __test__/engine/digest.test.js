'use strict';
// RFC 3261 §22, RFC 7616, RFC 8760: an application asks another one for its password.

const test = require('node:test');
const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const drachtio = require('../..');
const { startApp } = require('./app');
const { request, statusOf, withPeer } = require('./peer');

const REALM = 'example.com';
const PASSWORDS = { alice: 'open sesame' };
const ALICE = { username: 'alice', password: 'open sesame' };

/** A server that lets those in who know a password, and notes who came and how often it was asked. */
async function server(t, options = {}) {
  const seen = [];
  const { port } = await startApp(t, (app) => {
    app.use((req, _res, next) => {
      seen.push(req.has('Authorization') || req.has('Proxy-Authorization') ? 'with' : 'without');
      next();
    });
    app.use(drachtio.digestAuth({ realm: REALM, passwords: PASSWORDS, ...options }));
    app.use((req, res) => {
      if (req.method !== 'ACK') res.send(200, 'OK', { headers: { 'X-User': req.authorization?.username } });
    });
  });
  return { port, uri: `sip:127.0.0.1:${port}`, seen };
}

/** Sends a request and resolves to its final response. */
function send(app, options) {
  return new Promise((resolve, reject) => {
    app.request(options, (err, req) => {
      if (err) return reject(err);
      return req.on('response', (res, ack) => {
        if (res.status < 200) return;
        ack();
        resolve(res);
      });
    });
  });
}

for (const transport of ['udp', 'tcp']) {
  test(`by ${transport}: a registration is challenged once, and the next ones use its nonce`, async (t) => {
    const { uri, seen } = await server(t);
    const { app } = await startApp(t, () => {});
    for (let i = 0; i < 3; i++) {
      const res = await send(app, { uri: `${uri};transport=${transport}`, method: 'REGISTER', auth: ALICE });
      assert.deepEqual([res.status, res.get('X-User')], [200, 'alice']);
    }
    assert.deepEqual(seen, ['without', 'with', 'with', 'with']);
  });
}

test('every algorithm, quality of protection and kind of challenge', async (t) => {
  const { app } = await startApp(t, () => {});
  for (const algorithm of ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess', 'SHA-512-256', 'SHA-512-256-sess']) {
    for (const qop of ['auth', 'auth-int']) {
      const { uri } = await server(t, { algorithms: [algorithm], qop: [qop], proxy: qop === 'auth-int' });
      const headers = { 'Content-Type': 'text/plain; charset=utf-8' };
      const res = await send(app, { uri, method: 'MESSAGE', auth: ALICE, headers, body: 'héllo "you"' });
      assert.equal(res.status, 200, `${algorithm} ${qop}`);
    }
  }
});

test('a wrong password is refused once, whatever is asked for', async (t) => {
  const { uri, seen } = await server(t);
  const { app } = await startApp(t, () => {});
  for (const method of ['REGISTER', 'MESSAGE', 'SUBSCRIBE', 'INVITE']) {
    const res = await send(app, { uri, method, auth: { ...ALICE, password: 'guess' } });
    assert.equal(res.status, 401, method);
  }
  assert.deepEqual(seen, ['without', 'with', 'without', 'with', 'without', 'with', 'without', 'with']);
});

test('a nonce that has grown old is replaced without asking anybody', async (t) => {
  const passwords = async () => {
    await sleep(5);
    return ALICE.password;
  };
  const { uri, seen } = await server(t, { nonceLifetime: 0.001, passwords });
  const { app } = await startApp(t, () => {});
  const res = await send(app, { uri, method: 'REGISTER', auth: ALICE });
  // Here every nonce is old before it is used, so the client gives up after some.
  assert.equal(res.status, 401);
  assert.match(res.get('WWW-Authenticate'), /stale=true/);
  assert.equal(seen.length, 6);
});

test('a registration that somebody has overheard is worth nothing', async (t) => {
  const { uri, port } = await server(t);
  const { app } = await startApp(t, () => {});
  const res = await send(app, { uri, method: 'REGISTER', auth: ALICE });
  assert.equal(res.status, 200);
  const Authorization = res.req.get('Authorization');
  await withPeer('udp', port, async (peer) => {
    for (const method of ['REGISTER', 'MESSAGE']) {
      peer.send(request(peer, method, { uri, headers: { Authorization } }), port);
      const answer = await peer.next((message) => statusOf(message) >= 200);
      assert.equal(statusOf(answer), 401);
    }
  });
});

test('credentials do not follow a redirection', async (t) => {
  const { uri: elsewhere, seen } = await server(t);
  const { port } = await startApp(t, (app) => {
    app.use(drachtio.digestAuth({ realm: REALM, passwords: PASSWORDS }));
    app.use((_req, res) => res.send(302, { headers: { Contact: `<${elsewhere}>` } }));
  });
  const { app } = await startApp(t, () => {});
  const moved = await send(app, { uri: `sip:127.0.0.1:${port}`, method: 'REGISTER', auth: ALICE });
  assert.equal(moved.status, 302);
  await send(app, { uri: elsewhere, method: 'REGISTER' });
  await send(app, { uri: elsewhere, method: 'REGISTER', auth: { ...ALICE, realm: 'other.example.com' } });
  assert.deepEqual(seen, ['without', 'without']);
});
