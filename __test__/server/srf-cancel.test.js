'use strict';
// RFC 3261 §9: calls that are given up with drachtio-srf, early, late, and while they are answered.

const assert = require('node:assert/strict');
const { SDP, deferred, eachVersion, settled, station } = require('./support');

eachVersion('a call that rings is given up: the callee hears of it, the caller 487', async (t, version) => {
  const cancelled = deferred();
  const callee = await station(t, version, {
    invite: (req, res) => {
      req.on('cancel', () => cancelled.resolve());
      res.send(180);
    },
  });
  const caller = await station(t, version);
  let invite;
  const call = caller.srf.createUAC(
    callee.uri,
    { localSdp: SDP },
    { cbRequest: (err, req) => (invite = req), cbProvisional: () => invite.cancel(() => {}) },
  );
  await assert.rejects(call, { status: 487 });
  await cancelled.promise;
  await settled(callee.server);
  await settled(caller.server);
});

eachVersion('a call is given up before anything has come back', async (t, version) => {
  const callee = await station(t, 'drachtio-srf', { invite: (req, res) => setTimeout(() => res.send(180), 20) });
  const caller = await station(t, version);
  const call = caller.srf.createUAC(callee.uri, { localSdp: SDP }, { cbRequest: (err, req) => req.cancel(() => {}) });
  await assert.rejects(call, { status: 487 });
  await settled(callee.server);
  await settled(caller.server);
});

eachVersion('what is answered after it was given up is a refusal without harm', async (t, version) => {
  const refused = deferred();
  const callee = await station(t, version, {
    invite: (req, res) => {
      req.on('cancel', () => res.send(200, { body: SDP }, (err) => refused.resolve(String(err))));
      res.send(180);
    },
  });
  const caller = await station(t);
  let invite;
  const call = caller.srf.createUAC(
    callee.uri,
    { localSdp: SDP },
    { cbRequest: (err, req) => (invite = req), cbProvisional: () => invite.cancel(() => {}) },
  );
  await assert.rejects(call, { status: 487 });
  assert.match(await refused.promise, /Response not sent due to unknown transaction/);
  await settled(callee.server);
});

eachVersion('a CANCEL that crosses the answer leaves no call on either side', async (t, version) => {
  const callee = await station(t, 'drachtio-srf', { invite: (req, res) => callee.srf.createUAS(req, res, { localSdp: SDP }).catch(() => {}) });
  const caller = await station(t, version);
  const outcomes = [];
  for (let round = 0; round < 20; round++) {
    const wait = round % 5;
    const cancel = (req) => (wait === 0 ? req.cancel(() => {}) : setTimeout(() => req.cancel(() => {}), wait));
    const call = caller.srf.createUAC(callee.uri, { localSdp: SDP }, { cbRequest: (err, req) => cancel(req) });
    outcomes.push(
      call.then(
        // The server may have ended it: the CANCEL came after the answer.
        (dialog) => dialog.destroy().then(() => 'answered', () => 'answered'),
        (err) => err.status ?? String(err),
      ),
    );
  }
  const ends = await Promise.all(outcomes);
  for (const end of ends) assert.ok(end === 'answered' || end === 487, String(end));
  await settled(callee.server);
  await settled(caller.server);
});
