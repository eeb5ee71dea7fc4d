'use strict';
// An application calls baresip and is called by it: the call, a re-INVITE, and its end from either side.

const assert = require('node:assert/strict');
const { accept, answer, ask, notes, sdp } = require('./agent');
const { startPhone } = require('./baresip');
const { startExchange } = require('./exchange');
const { peerTest, waitFor } = require('./peer');
const { withTransport } = require('./sipp_peer');

for (const transport of ['udp', 'tcp', 'tls']) {
  peerTest(['baresip', 'openssl'], `${transport}: the application calls, holds the call, and hangs up`, async () => {
    const { exchange, phone, contact } = await registered({ transport });
    const { app } = exchange;
    const { res, statuses } = await ask(app, { method: 'INVITE', uri: contact, body: sdp() });
    assert.equal(res.status, 200);
    assert.ok(statuses.every((status) => [180, 183, 200].includes(status)), `${statuses}`);
    await phone.event('CALL_ESTABLISHED');
    const { stackDialogId } = res;

    const hold = await ask(app, { method: 'INVITE', stackDialogId, body: sdp({ direction: 'sendonly', version: 2 }) });
    assert.match(hold.res.body, /a=recvonly/);
    const bye = await ask(app, { method: 'BYE', stackDialogId });
    assert.equal(bye.res.status, 200);
    await phone.event('CALL_CLOSED');
  });

  peerTest(['baresip', 'openssl'], `${transport}: the phone calls and hangs up`, async () => {
    const called = {};
    const { exchange, phone } = await registered({
      transport,
      configure: (app) => Object.assign(called, notes(app, { invite: answer, ack: () => {}, bye: accept })),
    });
    await phone.tell('dial', `sip:app@${exchange.at(transport)};transport=${transport}`);
    await phone.event('CALL_RINGING');
    await phone.event('CALL_ESTABLISHED');
    assert.equal((await called.request('ACK')).protocol, transport);
    await phone.tell('hangup');
    const [invite, bye] = await Promise.all([called.request('INVITE'), called.request('BYE')]);
    assert.equal(bye.get('Call-ID'), invite.get('Call-ID'));
    assert.deepEqual(called.seen.map(({ method }) => method), ['INVITE', 'ACK', 'BYE']);
  });

  peerTest(['baresip', 'openssl'], `${transport}: the phone calls, and the application hangs up`, async () => {
    const called = {};
    const { exchange, phone } = await registered({
      transport,
      configure: (app) => Object.assign(called, notes(app, { invite: answer, ack: () => {} })),
    });
    await phone.tell('dial', `sip:app@${exchange.at(transport)};transport=${transport}`);
    const { stackDialogId } = await called.request('ACK');
    const { res } = await ask(exchange.app, { method: 'BYE', stackDialogId });
    assert.equal(res.status, 200);
    await phone.event('CALL_CLOSED');
  });
}

peerTest(['baresip', 'openssl'], 'the phone gives up while it rings: the application is told', async () => {
  const cancelled = [];
  const invite = (req, res) => {
    req.on('cancel', (cancel) => cancelled.push(cancel));
    res.send(180);
  };
  const { exchange, phone } = await registered({ configure: (app) => app.invite(invite) });
  await phone.tell('dial', `sip:app@${exchange.address}`);
  await phone.event('CALL_RINGING');
  await phone.tell('hangup');
  await waitFor('the CANCEL', () => cancelled.length === 1, phone.log);
});

peerTest(['baresip', 'openssl'], 'the phone declines', async () => {
  const { exchange, phone, contact } = await registered({ answers: 'manual' });
  const asked = ask(exchange.app, { method: 'INVITE', uri: contact, body: sdp() });
  await phone.event('CALL_INCOMING');
  await phone.tell('hangup');
  const { statuses } = await asked;
  assert.deepEqual(statuses, [180, 486]);
});

peerTest(['baresip', 'openssl'], 'the application gives up: the phone stops ringing', async () => {
  const { exchange, phone, contact } = await registered({ answers: 'manual' });
  const { statuses } = await ask(
    exchange.app,
    { method: 'INVITE', uri: contact, body: sdp() },
    { provisional: (res, ack, req) => req.cancel(() => {}) },
  );
  assert.deepEqual(statuses, [180, 487]);
  await phone.event('CALL_CLOSED');
});

/** An exchange and a phone that has registered there; `contact` is where the phone is called. */
async function registered({ configure, ...options } = {}) {
  const { transport = 'udp' } = options;
  const exchange = await startExchange({ configure, ...withTransport({ transport }) });
  const phone = await startPhone({ user: 'alice', server: exchange.at(transport), ...options });
  await phone.event('REGISTER_OK');
  const [contact] = exchange.bindings.get('alice').keys();
  return { exchange, phone, contact };
}
