'use strict';
// RFC 3261 §22: drachtio-srf answers challenges and makes them, through the server.

const assert = require('node:assert/strict');
const digestAuth = require('drachtio-mw-digest-auth');
const { SDP, eachVersion, routed, settled, station } = require('./support');

const auth = { username: 'alice', password: 'open sesame' };

/** A registrar and callee that lets nobody in without a password. */
async function guarded(t, version) {
  const callee = await station(t, version);
  const challenge = digestAuth({
    realm: 'example.com',
    proxy: false,
    passwordLookup: (username, realm, done) => done(null, username === 'alice' ? auth.password : null),
  });
  callee.srf.use('register', challenge);
  callee.srf.use('invite', challenge);
  callee.srf.register((req, res) => res.send(200, { headers: { Expires: '60' } }));
  callee.srf.invite((req, res) => callee.srf.createUAS(req, res, { localSdp: SDP }));
  await routed(callee.srf);
  return callee;
}

eachVersion('a call with the right password is let in', async (t, version) => {
  const callee = await guarded(t, 'drachtio-srf');
  const caller = await station(t, version);
  const uac = await caller.srf.createUAC(callee.uri, { localSdp: SDP, auth });
  await uac.destroy();
  await settled(callee.server);
  await settled(caller.server);
});

eachVersion('a call without or with the wrong password is not', async (t, version) => {
  const callee = await guarded(t, version);
  const caller = await station(t);
  await assert.rejects(caller.srf.createUAC(callee.uri, { localSdp: SDP }), { status: 401 });
  await assert.rejects(caller.srf.createUAC(callee.uri, { localSdp: SDP, auth: { ...auth, password: 'x' } }), { status: 403 });
  await settled(callee.server);
});

eachVersion('a REGISTER is challenged and then granted', async (t, version) => {
  const registrar = await guarded(t, version);
  const client = await station(t, version);
  const statuses = [];
  await new Promise((resolve, reject) => {
    const headers = { To: 'sip:alice@example.com', From: 'sip:alice@example.com', Contact: `<sip:alice@${client.address}>;expires=60` };
    client.srf.request(`sip:${registrar.address}`, { method: 'REGISTER', headers, auth }, (err, req) => {
      if (err) return reject(err);
      req.on('response', (res) => {
        statuses.push(res.status);
        resolve();
      });
      req.on('authenticate', (next) => next.on('response', (res) => statuses.push(res.status)));
    });
  });
  assert.equal(statuses.at(-1), 200);
  await settled(registrar.server);
});
