'use strict';
// Middleware of others, as it is published, on an application.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const digestAuth = require('drachtio-mw-digest-auth');
const parseRegistration = require('drachtio-mw-registration-parser');
const responseTime = require('drachtio-mw-response-time');
const passport = require('passport');
const { DigestStrategy } = require('passport-http');
const { startApp } = require('../sipp/app');

/** The server with its handlers, and a function that sends it a request and gives the final response. */
async function served(t, configure) {
  const server = await startApp(configure);
  const client = await startApp(() => {});
  t.after(() => Promise.all([server.stop(), client.stop()]));
  return async (method, options = {}) => {
    const req = await client.app.request({ uri: `sip:${server.address}`, method, ...options });
    for await (const res of req.responses()) if (res.status >= 200) return res;
  };
}

const alice = { username: 'alice', password: 'open sesame' };

test('passport with the Digest strategy of passport-http: 401, then 200', async (t) => {
  const users = new passport.Passport();
  users.use(new DigestStrategy({ qop: 'auth', realm: 'example.com' }, (username, done) => {
    done(null, username === 'alice' && { name: 'Alice' }, alice.password);
  }));
  const seen = [];
  const request = await served(t, (app) => {
    app.use('register', users.initialize());
    app.use('register', users.authenticate('digest', { session: false }));
    app.register((req, res) => {
      seen.push([req.user.name, req.isAuthenticated()]);
      res.send(200);
    });
  });
  const challenged = await request('REGISTER');
  assert.equal(challenged.status, 401);
  assert.equal(challenged.getParsedHeader('www-authenticate')[0].realm, '"example.com"');
  assert.equal((await request('REGISTER', { auth: alice })).status, 200);
  assert.equal((await request('REGISTER', { auth: { ...alice, password: 'wrong' } })).status, 401);
  assert.deepEqual(seen, [['Alice', true]]);
});

test('drachtio-mw-digest-auth: 401, then 200', async (t) => {
  const seen = [];
  const request = await served(t, (app) => {
    app.use('register', digestAuth({ realm: 'example.com', passwordLookup: (username, realm, done) => done(null, alice.password) }));
    app.register((req, res) => {
      seen.push(req.authorization.username);
      res.send(200);
    });
  });
  assert.equal((await request('REGISTER')).status, 401);
  assert.equal((await request('REGISTER', { auth: alice })).status, 200);
  assert.equal((await request('REGISTER', { auth: { ...alice, password: 'wrong' } })).status, 403);
  assert.deepEqual(seen, ['alice']);
});

test('drachtio-mw-registration-parser: what a REGISTER asks for', async (t) => {
  const seen = [];
  const request = await served(t, (app) => {
    app.use('register', parseRegistration);
    app.register((req, res) => {
      const { type, expires, contact, aor } = req.registration;
      seen.push({ type, expires: Number(expires), contact: contact?.[0]?.uri, aor });
      res.send(200);
    });
  });
  const headers = { To: '<sip:alice@example.com>', Contact: '<sip:alice@127.0.0.1:5099>;expires=120' };
  assert.equal((await request('REGISTER', { headers })).status, 200);
  assert.equal((await request('REGISTER', { headers: { ...headers, Contact: '<sip:alice@127.0.0.1:5099>;expires=0' } })).status, 200);
  assert.deepEqual(seen, [
    { type: 'register', expires: 120, contact: 'sip:alice@127.0.0.1:5099', aor: 'sip:alice@example.com' },
    { type: 'unregister', expires: 0, contact: 'sip:alice@127.0.0.1:5099', aor: 'sip:alice@example.com' },
  ]);
  assert.equal((await request('REGISTER', { headers: { To: headers.To } })).status, 400);
});

test('drachtio-mw-response-time: how long the answer took', async (t) => {
  const seen = [];
  const request = await served(t, (app) => {
    app.use(responseTime((req, res, time) => seen.push([req.method, res.status, typeof time])));
    app.options((req, res) => res.send(200));
  });
  assert.equal((await request('OPTIONS')).status, 200);
  assert.deepEqual(seen, [['OPTIONS', 200, 'number']]);
});
