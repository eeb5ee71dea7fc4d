'use strict';
// drachtio-fn-b2b-sugar, unmodified, on the server: the first of several telephones that answers has the call.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const { forwardInDialogRequests, simring } = require('drachtio-fn-b2b-sugar');
const { SDP, deferred, sdp, settled, station } = require('./support');

test('of two telephones one answers, the other is given up; INFO passes, and the caller hangs up', { timeout: 30_000 }, async (t) => {
  const cancelled = deferred();
  const answered = deferred();
  const ringing = await station(t, 'drachtio-srf', {
    invite: (req, res) => {
      req.on('cancel', () => cancelled.resolve());
      res.send(180);
    },
  });
  const answering = await station(t, 'drachtio-srf', {
    invite: async (req, res) => answered.resolve(await answering.srf.createUAS(req, res, { localSdp: sdp(6000) })),
  });
  const bridged = deferred();
  const middle = await station(t, 'drachtio-srf', {
    invite: (req, res) => simring(req, res, [ringing.uri, answering.uri], { localSdpB: req.body }).then(bridged.resolve, bridged.reject),
  });
  const caller = await station(t);
  const uac = await caller.srf.createUAC(middle.uri, { localSdp: SDP });
  assert.equal(uac.remote.sdp, sdp(6000));
  await cancelled.promise;
  const legs = await bridged.promise;
  [legs.uas.other, legs.uac.other] = [legs.uac, legs.uas];
  forwardInDialogRequests(legs.uas, ['info']);
  const uas = await answered.promise;
  uas.on('info', (req, res) => res.send(200, { headers: { 'X-Heard': req.get('X-Said') } }));
  const res = await uac.request({ method: 'INFO', headers: { 'X-Said': 'hello' } });
  assert.equal(res.status, 200);
  legs.uas.on('destroy', () => legs.uac.destroy());
  const destroyed = once(uas, 'destroy');
  await uac.destroy();
  await destroyed;
  for (const { server } of [middle, ringing, answering]) await settled(server);
});
