'use strict';
// RFC 3261 §13, §14, §15: drachtio-srf makes calls through the server, changes them and ends them, from either side.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { SDP, eachVersion, sdp, settled, station } = require('./support');

/** A call from one application to another: the dialogs of both. */
async function call(t, version) {
  const answered = [];
  const callee = await station(t, version, {
    invite: (req, res) => answered.push(callee.srf.createUAS(req, res, { localSdp: SDP })),
  });
  const caller = await station(t);
  const uac = await caller.srf.createUAC(callee.uri, { localSdp: sdp(5000), headers: { 'X-Call': 'one' } });
  const uas = await answered[0];
  return { caller, callee, uac, uas };
}

eachVersion('a call is answered and hung up by the caller', async (t, version) => {
  const { caller, callee, uac, uas } = await call(t, version);
  assert.equal(uac.remote.sdp, SDP);
  assert.equal(uas.remote.sdp, sdp(5000));
  assert.equal(uas.req.get('X-Call'), 'one');
  assert.equal(uas.sip.callId, uac.sip.callId);
  const destroyed = once(uas, 'destroy');
  await uac.destroy();
  const [bye] = await destroyed;
  assert.equal(bye.method, 'BYE');
  await settled(callee.server);
  await settled(caller.server);
});

eachVersion('a call is hung up by the callee', async (t, version) => {
  const { callee, uac, uas } = await call(t, version);
  const destroyed = once(uac, 'destroy');
  await uas.destroy({ headers: { 'X-Reason': 'done' } });
  const [bye] = await destroyed;
  assert.equal(bye.get('X-Reason'), 'done');
  await settled(callee.server);
});

eachVersion('the session of a call is changed by either side', async (t, version) => {
  const { uac, uas } = await call(t, version);
  for (const [from, to, port] of [[uas, uac, 6000], [uac, uas, 7000]]) {
    to.once('modify', (req, res) => {
      to.local.sdp = sdp(port + 1);
      res.send(200, { body: to.local.sdp });
    });
    await from.modify(sdp(port));
    assert.equal(to.remote.sdp, sdp(port));
    assert.equal(from.remote.sdp, sdp(port + 1));
  }
  await uac.destroy();
});

eachVersion('a call is put on hold and taken up again', async (t, version) => {
  const { uac, uas } = await call(t, version);
  await uas.modify('hold');
  assert.match(uac.remote.sdp, /a=inactive/);
  await uas.modify('unhold');
  assert.match(uac.remote.sdp, /a=sendrecv/);
  for (const [direction, event] of [
    ['sendonly', 'hold'],
    ['sendrecv', 'unhold'],
  ]) {
    const heard = once(uas, event);
    await uac.modify(sdp(5000).replace('sendrecv', direction));
    await heard;
  }
  await uas.destroy();
});

eachVersion('requests go in a call in both directions', async (t, version) => {
  const { uac, uas } = await call(t, version);
  for (const [from, to] of [[uas, uac], [uac, uas]]) {
    for (const method of ['INFO', 'MESSAGE', 'OPTIONS', 'UPDATE']) {
      to.once(method.toLowerCase(), (req, res) => res.send(200, { headers: { 'X-Heard': req.get('X-Said') } }));
      const res = await from.request({ method, headers: { 'X-Said': method } });
      assert.equal(res.status, 200);
      assert.equal(res.get('X-Heard'), method);
    }
  }
  await uac.destroy();
});

eachVersion('a call that is refused is an error with its status', async (t, version) => {
  const callee = await station(t, 'drachtio-srf', { invite: (req, res) => res.send(486, 'Gone Fishing') });
  const caller = await station(t, version);
  await assert.rejects(caller.srf.createUAC(callee.uri, { localSdp: SDP }), (err) => {
    assert.equal(err.status, 486);
    assert.equal(err.reason, 'Gone Fishing');
    return true;
  });
  await settled(caller.server);
});
