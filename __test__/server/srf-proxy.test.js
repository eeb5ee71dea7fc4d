'use strict';
// RFC 3261 §16: drachtio-srf has the server proxy requests.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { SDP, deferred, eachVersion, settled, station } = require('./support');

/** A proxy of the version under test before callees with these handlers; what the caller says goes to the first of them. */
async function proxied(t, version, handlers, options = {}) {
  const callees = [];
  for (const invite of handlers) {
    const callee = await station(t, 'drachtio-srf', { invite: (req, res) => invite(req, res, callee.srf) });
    callees.push(callee);
  }
  const outcome = deferred();
  const middle = await station(t, version, {
    invite: (req) => {
      const done = (err, results) => (err ? outcome.reject(err) : outcome.resolve(results));
      const uris = callees.map(({ uri }) => uri);
      middle.srf.proxyRequest(req, uris, options, done);
    },
  });
  const caller = await station(t);
  return { caller, middle, callees, outcome: outcome.promise };
}

/** The statuses of the final responses; drachtio-srf puts them together by where they came from in a way of its own. */
function finals(results) {
  return results.responses.flatMap(({ msgs }) => msgs.map(({ status }) => status)).filter((status) => status >= 200);
}

eachVersion('a call is proxied, and what follows in it passes through the server', async (t, version) => {
  const answered = deferred();
  const answer = async (req, res, srf) => answered.resolve(await srf.createUAS(req, res, { localSdp: SDP }));
  const { caller, middle, outcome } = await proxied(t, version, [answer], { recordRoute: true });
  const uac = await caller.srf.createUAC(middle.uri, { localSdp: SDP });
  const results = await outcome;
  assert.equal(results.connected, true);
  assert.equal(results.responses.length, 1);
  const uas = await answered.promise;
  assert.match(uas.req.get('Record-Route'), new RegExp(middle.address.replaceAll('.', '\\.')));
  const destroyed = once(uas, 'destroy');
  await uac.destroy();
  const [bye] = await destroyed;
  assert.equal(bye.getParsedHeader('Via').length, 2);
  await settled(middle.server);
});

eachVersion('the second destination is tried when the first refuses', async (t, version) => {
  const refuse = (req, res) => res.send(486);
  const answer = (req, res, srf) => srf.createUAS(req, res, { localSdp: SDP });
  const { caller, middle, outcome } = await proxied(t, version, [refuse, answer]);
  const uac = await caller.srf.createUAC(middle.uri, { localSdp: SDP });
  const results = await outcome;
  assert.equal(results.connected, true);
  assert.deepEqual(finals(results), [486, 200]);
  await uac.destroy();
});

eachVersion('all refuse, and the caller hears the best of it', async (t, version) => {
  const [busy, gone] = [486, 404].map((status) => (req, res) => res.send(status));
  const { caller, middle, outcome } = await proxied(t, version, [busy, gone], { forking: 'simultaneous' });
  await assert.rejects(caller.srf.createUAC(middle.uri, { localSdp: SDP }), (err) => [486, 404].includes(err.status));
  const results = await outcome;
  assert.equal(results.connected, false);
  assert.deepEqual(finals(results).sort(), [404, 486]);
  await settled(middle.server);
});
