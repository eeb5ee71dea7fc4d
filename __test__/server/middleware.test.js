'use strict';
// Published middleware, unmodified, in an application of drachtio-srf on the server.

const assert = require('node:assert/strict');
const parseRegistration = require('drachtio-mw-registration-parser');
const responseTime = require('drachtio-mw-response-time');
const { deferred, eachVersion, routed, station } = require('./support');

function register(srf, address, contact) {
  const headers = { To: '<sip:alice@example.com>', From: '<sip:alice@example.com>', Contact: contact };
  return new Promise((resolve, reject) => {
    srf.request(`sip:${address}`, { method: 'REGISTER', headers }, (err, req) => (err ? reject(err) : req.on('response', resolve)));
  });
}

eachVersion('a REGISTER is parsed, and how long its answer took is told', async (t, version) => {
  const registrar = await station(t, version);
  const took = deferred();
  const seen = [];
  registrar.srf.use('register', responseTime((req, res, time) => took.resolve([req.method, time])));
  registrar.srf.use('register', parseRegistration);
  registrar.srf.register((req, res) => {
    const { type, aor, contact, expires } = req.registration;
    seen.push([type, aor, contact[0].uri, Number(expires)]);
    res.send(200);
  });
  await routed(registrar.srf);
  const client = await station(t);
  const res = await register(client.srf, registrar.address, '<sip:alice@127.0.0.1:5099>;expires=120');
  assert.equal(res.status, 200);
  assert.deepEqual(seen, [['register', 'sip:alice@example.com', 'sip:alice@127.0.0.1:5099', 120]]);
  const [method, time] = await took.promise;
  assert.equal(method, 'REGISTER');
  assert.ok(time >= 0);
});
