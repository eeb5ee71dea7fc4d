'use strict';
// An application calls through Kamailio, which records its route: the requests of the call go through it both ways (RFC 3261 §12.2, §16.6).

const assert = require('node:assert/strict');
const { accept, ask, notes, sdp } = require('./agent');
const { startKamailio } = require('./kamailio');
const { peerTest } = require('./peer');
const { TRANSPORTS, sippIsCalled } = require('./sipp_peer');
const { header, received } = require('../sipp/proxy');

for (const transport of TRANSPORTS) {
  for (const far of TRANSPORTS) {
    const name = transport === far ? transport : `${transport}, behind Kamailio ${far}`;

    peerTest(['kamailio', 'sipp', 'openssl'], `${name}: calls, holds the call and hangs up`, async () => {
      const { app, outcome, call } = await through(transport, { scenario: 'callee-reinvited', transport: far });
      const { stackDialogId } = await call();
      const hold = await ask(app, { method: 'INVITE', stackDialogId, body: sdp({ direction: 'sendonly', version: 2 }) });
      assert.equal(hold.res.status, 200);
      await ask(app, { method: 'BYE', stackDialogId });
      const seen = await outcome;
      assert.equal(header(received(seen, 'BYE'), 'Via').length, 2, 'it came through Kamailio');
    });

    peerTest(['kamailio', 'sipp', 'openssl'], `${name}: calls, and is hung up on`, async () => {
      const called = {};
      const { outcome, call } = await through(transport, { scenario: 'callee-hangs-up', transport: far }, (app) => {
        Object.assign(called, notes(app, { bye: accept }));
      });
      const { stackDialogId } = await call();
      const bye = await called.request('BYE');
      assert.equal(bye.stackDialogId, stackDialogId);
      await outcome;
    });
  }

  peerTest(['kamailio', 'sipp', 'openssl'], `${transport}: calls, and gives up while it rings`, async () => {
    const callee = { scenario: 'callee-cancelled', transport, values: { delay: 0 } };
    const { outcome, call } = await through(transport, callee);
    const { status } = await call({}, { provisional: ({ status }, ack, req) => status === 180 && req.cancel(() => {}) });
    assert.equal(status, 487);
    await outcome;
  });

  peerTest(['kamailio', 'sipp', 'openssl'], `${transport}: answers a 407 of Kamailio`, async () => {
    const { app, outcome, call } = await through(transport, { scenario: 'callee', transport }, () => {}, { asksCallers: true });
    const auth = { username: 'alice', password: 'secret' };
    const { stackDialogId } = await call({ auth, headers: { From: 'sip:alice@127.0.0.1' } });
    await ask(app, { method: 'BYE', stackDialogId });
    const seen = await outcome;
    assert.deepEqual(header(received(seen, 'INVITE'), 'Proxy-Authorization'), [], 'Kamailio has used them up');
  });
}

/** An application, a Kamailio that sends its calls on, and SIPp at the far end; `call` makes one and returns the response. */
async function through(transport, callee, configure, options) {
  const { app, uri, outcome } = await sippIsCalled({ ...callee, near: transport }, configure);
  const kamailio = await startKamailio({ next: uri, ...options });
  const proxy = `sip:${kamailio.at(transport)};transport=${transport};lr`;
  const call = async (request = {}, more = {}) => {
    const { res } = await ask(app, { method: 'INVITE', uri, proxy, body: sdp(), ...request }, more);
    if (res.status < 300) return res;
    assert.equal(res.status, 487, `${res.msg}\n${kamailio.log()}`);
    return res;
  };
  return { app, outcome, call };
}
