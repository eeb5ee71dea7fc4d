'use strict';
// drachtio-server §1.7: an application that does not answer; what only this package's applications understand.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { SDP, connect, eachVersion, settled, startServer, station } = require('./support');
const { RawApplication } = require('./raw_application');

const timers = { application: 200 };

eachVersion('one that stays silent is answered for, and hears nothing that it would not understand', async (t, version) => {
  const { port, address, server } = await startServer(t, { engine: { timers } });
  const app = await connect(t, port, version, { handlers: { invite: () => {}, options: (req, res) => res.send(200) } });
  const caller = await station(t);
  await assert.rejects(caller.srf.createUAC(`sip:bob@${address}`, { localSdp: SDP }), { status: 503 });
  // It is still there.
  const status = await new Promise((resolve, reject) => {
    caller.srf.request(`sip:${address}`, { method: 'OPTIONS' }, (err, req) => (err ? reject(err) : req.on('response', (res) => resolve(res.status))));
  });
  assert.equal(status, 200);
  assert.equal(app.app.idle, true);
  await settled(server);
});

test('one that asks for it is told that it was answered for', async (t) => {
  const { port, address } = await startServer(t, { engine: { timers } });
  const raw = await RawApplication.join(t, port, { routes: ['invite', 'request:answered'] });
  const caller = await station(t);
  const refused = assert.rejects(caller.srf.createUAC(`sip:bob@${address}`, { localSdp: SDP }), { status: 503 });
  const invite = await raw.hear((text) => text.startsWith('sip|'));
  const told = await raw.hear((text) => text.startsWith('request:answered|'));
  assert.match(told, new RegExp(`^request:answered\\|${invite.split('|')[7]}\\|503\\|DRT_ERR_NOT_ANSWERED\\|`));
  await refused;
});
