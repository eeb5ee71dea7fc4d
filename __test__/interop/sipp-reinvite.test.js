'use strict';
// A call is put on hold by a re-INVITE, in both directions (RFC 3261 §14).

const assert = require('node:assert/strict');
const { accept, answer, ask, notes, sdp } = require('./agent');
const { peerTest } = require('./peer');
const { TRANSPORTS, sippCalls, sippIsCalled } = require('./sipp_peer');

/** Answers an INVITE, and a re-INVITE by what its offer asks. */
function answerEither(req, res) {
  if (req.isNewInvite) return answer(req, res);
  const direction = req.body.includes('a=sendonly') ? 'recvonly' : 'sendrecv';
  return res.send(200, { body: sdp({ direction, version: 2 }) });
}

for (const transport of TRANSPORTS) {
  peerTest(['sipp', 'openssl'], `${transport}: SIPp, which has called, holds the call`, async () => {
    const called = {};
    await sippCalls({ scenario: 'caller-reinvites', transport }, (app) => {
      Object.assign(called, notes(app, { invite: answerEither, ack: () => {}, bye: accept }));
    });
    assert.deepEqual(called.seen.map(({ method }) => method), ['INVITE', 'ACK', 'INVITE', 'ACK', 'BYE']);
    const [first, , second] = called.seen;
    assert.match(second.body, /a=sendonly/);
    assert.equal(second.stackDialogId, called.seen[1].stackDialogId);
    assert.deepEqual([first.isNewInvite, second.isNewInvite], [true, false]);
  });

  peerTest(['sipp', 'openssl'], `${transport}: SIPp, which was called, holds the call`, async () => {
    const called = {};
    const { app, uri, outcome } = await sippIsCalled({ scenario: 'callee-reinvites', transport }, (app) => {
      Object.assign(called, notes(app, { invite: answerEither, ack: () => {} }));
    });
    const { res } = await ask(app, { method: 'INVITE', uri, body: sdp() });
    await called.request('ACK');
    await ask(app, { method: 'BYE', stackDialogId: res.stackDialogId });
    await outcome;
  });

  peerTest(['sipp', 'openssl'], `${transport}: the application holds the call`, async () => {
    const { app, uri, outcome } = await sippIsCalled({ scenario: 'callee-reinvited', transport });
    const { stackDialogId } = (await ask(app, { method: 'INVITE', uri, body: sdp() })).res;
    const hold = await ask(app, { method: 'INVITE', stackDialogId, body: sdp({ direction: 'sendonly', version: 2 }) });
    assert.match(hold.res.body, /a=recvonly/);
    await ask(app, { method: 'BYE', stackDialogId });
    await outcome;
  });
}
