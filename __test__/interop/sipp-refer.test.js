'use strict';
// A call is transferred by a REFER inside it, and the NOTIFY requests tell how it goes (RFC 3515), in both directions.

const assert = require('node:assert/strict');
const { accept, answer, ask, notes, sdp } = require('./agent');
const { peerTest } = require('./peer');
const { TRANSPORTS, sippCalls, sippIsCalled } = require('./sipp_peer');

const referTo = 'sip:carol@127.0.0.1:5099';

for (const transport of TRANSPORTS) {
  peerTest(['sipp', 'openssl'], `${transport}: SIPp transfers: the application accepts and notifies`, async () => {
    const notified = [];
    const tell = async (app, stackDialogId, state, line) => {
      const headers = { Event: 'refer', 'Subscription-State': state, 'Content-Type': 'message/sipfrag' };
      const { res } = await ask(app, { method: 'NOTIFY', stackDialogId, headers, body: `${line}\r\n` });
      notified.push(res.status);
    };
    const called = {};
    await sippCalls({ scenario: 'caller-refers', transport, values: { referTo } }, (app) => {
      const refer = async (req, res) => {
        res.send(202);
        await tell(app, req.stackDialogId, 'active;expires=60', 'SIP/2.0 100 Trying');
        await tell(app, req.stackDialogId, 'terminated;reason=noresource', 'SIP/2.0 200 OK');
      };
      Object.assign(called, notes(app, { invite: answer, refer, bye: accept }));
    });
    assert.equal((await called.request('REFER')).getParsedHeader('Refer-To').uri, referTo);
    assert.deepEqual(notified, [200, 200]);
  });

  peerTest(['sipp', 'openssl'], `${transport}: the application transfers: it reads in each NOTIFY how it goes`, async () => {
    const called = {};
    const { app, uri, outcome } = await sippIsCalled({ scenario: 'callee-referred', transport, values: { referTo } }, (app) => {
      Object.assign(called, notes(app, { notify: accept }));
    });
    const { stackDialogId } = (await ask(app, { method: 'INVITE', uri, body: sdp() })).res;
    const { res } = await ask(app, { method: 'REFER', stackDialogId, headers: { 'Refer-To': `<${referTo}>` } });
    assert.equal(res.status, 202);
    const last = await called.request('NOTIFY', 2);
    assert.deepEqual(called.seen.map(({ body }) => body.trim()), ['SIP/2.0 100 Trying', 'SIP/2.0 200 OK']);
    assert.equal(last.stackDialogId, stackDialogId);
    await ask(app, { method: 'BYE', stackDialogId });
    await outcome;
  });
}
