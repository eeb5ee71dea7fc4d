'use strict';
// RFC 3515: a call is transferred with drachtio-srf; REFER in the call, NOTIFYs about how it goes.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { SDP, deferred, eachVersion, settled, station } = require('./support');

eachVersion('a REFER in a call reaches the other side, which tells how it goes', async (t, version) => {
  const answered = deferred();
  const callee = await station(t, version, {
    invite: async (req, res) => answered.resolve(await callee.srf.createUAS(req, res, { localSdp: SDP })),
  });
  const caller = await station(t);
  const uac = await caller.srf.createUAC(callee.uri, { localSdp: SDP });
  const uas = await answered.promise;
  const referred = once(uas, 'refer');
  const accepted = uac.request({ method: 'REFER', headers: { 'Refer-To': '<sip:carol@127.0.0.1>' } });
  const [req, res] = await referred;
  assert.equal(req.get('Refer-To'), '<sip:carol@127.0.0.1>');
  assert.ok(req.has('Contact'));
  res.send(202);
  assert.equal((await accepted).status, 202);
  const notified = once(uac, 'notify');
  const told = uas.request({
    method: 'NOTIFY',
    headers: { Event: 'refer', 'Subscription-State': 'terminated;reason=noresource', 'Content-Type': 'message/sipfrag' },
    body: 'SIP/2.0 200 OK',
  });
  const [notify, answer] = await notified;
  assert.equal(notify.body, 'SIP/2.0 200 OK');
  answer.send(200);
  assert.equal((await told).status, 200);
  await uac.destroy();
  await settled(callee.server);
});
