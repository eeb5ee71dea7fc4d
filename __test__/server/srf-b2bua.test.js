'use strict';
// RFC 7092: drachtio-srf connects two calls through the server.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { SDP, deferred, eachVersion, sdp, settled, station } = require('./support');

/** A caller, a bridge of the version under test, and a callee with a handler. */
async function bridge(t, version, answer, options = {}) {
  const callee = await station(t, 'drachtio-srf', { invite: (req, res) => answer(req, res, callee.srf) });
  const bridged = deferred();
  const middle = await station(t, version, {
    invite: (req, res) => middle.srf.createB2BUA(req, res, callee.uri, { localSdpB: req.body, ...options }).then(bridged.resolve, bridged.reject),
  });
  bridged.promise.catch(() => {});
  const caller = await station(t);
  return { caller, middle, callee, bridged: bridged.promise };
}

eachVersion('two calls are connected, provisional responses and headers pass, and either side hangs up', async (t, version) => {
  for (const side of ['caller', 'callee']) {
    const answered = deferred();
    const { caller, middle, bridged } = await bridge(
      t,
      version,
      async (req, res, srf) => {
        assert.equal(req.get('X-Passed'), 'yes');
        res.send(180);
        res.send(183, { body: SDP });
        answered.resolve(await srf.createUAS(req, res, { localSdp: sdp(6000) }));
      },
      { proxyRequestHeaders: ['X-Passed'] },
    );
    const heard = [];
    const uac = await caller.srf.createUAC(
      middle.uri,
      { localSdp: sdp(5000), headers: { 'X-Passed': 'yes' } },
      { cbProvisional: (res) => heard.push(res.status) },
    );
    assert.deepEqual(heard, [180, 183]);
    assert.equal(uac.remote.sdp, sdp(6000));
    const uas = await answered.promise;
    assert.equal(uas.remote.sdp, sdp(5000));
    const legs = await bridged;
    const [hangsUp, other] = side === 'caller' ? [uac, uas] : [uas, uac];
    legs.uas.on('destroy', () => legs.uac.destroy());
    legs.uac.on('destroy', () => legs.uas.destroy());
    const destroyed = once(other, 'destroy');
    await hangsUp.destroy();
    await destroyed;
    await settled(middle.server);
  }
});

eachVersion('the callee is busy, and so is what the caller hears', async (t, version) => {
  const { caller, middle, bridged } = await bridge(t, version, (req, res) => res.send(486));
  await assert.rejects(caller.srf.createUAC(middle.uri, { localSdp: SDP }), { status: 486 });
  await assert.rejects(bridged, { status: 486 });
  await settled(middle.server);
});

eachVersion('a caller that gives up is given up for at the callee', async (t, version) => {
  const cancelled = deferred();
  const { caller, middle, callee, bridged } = await bridge(t, version, (req, res) => {
    req.on('cancel', () => cancelled.resolve());
    res.send(180);
  });
  const call = caller.srf.createUAC(
    middle.uri,
    { localSdp: SDP },
    { cbRequest: (err, req) => (caller.req = req), cbProvisional: () => caller.req.cancel(() => {}) },
  );
  await assert.rejects(call, { status: 487 });
  await cancelled.promise;
  await assert.rejects(bridged);
  await settled(middle.server);
  await settled(callee.server);
});
