'use strict';
// Digest credentials (RFC 3261 §22, RFC 7616): SIPp gives them to an application, and an application gives them to SIPp.

const assert = require('node:assert/strict');
const { ask, sdp } = require('./agent');
const { PASSWORD, startExchange } = require('./exchange');
const { peerTest } = require('./peer');
const { sipp } = require('../sipp/sipp');
const { TRANSPORTS, calling, sippIsCalled, wentWell, withTransport } = require('./sipp_peer');

for (const transport of TRANSPORTS) {
  for (const qop of ['', ', qop="auth"']) {
    peerTest(['sipp', 'openssl'], `${transport}: the application answers a 401${qop && ' with qop'} of SIPp`, async () => {
      const values = { qop, algorithm: 'MD5', user: 'alice', password: PASSWORD };
      const { app, uri, outcome } = await sippIsCalled({ scenario: 'callee-challenges', transport, values });
      const auth = { username: 'alice', password: PASSWORD };
      const { res } = await ask(app, { method: 'INVITE', uri, body: sdp(), auth });
      assert.equal(res.status, 200);
      await ask(app, { method: 'BYE', stackDialogId: res.stackDialogId });
      await outcome;
    });
  }

  peerTest(['sipp', 'openssl'], `${transport}: SIPp registers with its password`, async () => {
    const exchange = await startExchange(withTransport({ transport }));
    const values = { user: 'alice', password: PASSWORD, status: 200 };
    await wentWell(sipp(await calling(exchange, { scenario: 'registers-challenged', transport, values })).finished);
    assert.equal(exchange.bindings.get('alice').size, 1);
  });

  peerTest(['sipp', 'openssl'], `${transport}: SIPp with a wrong password is asked again`, async () => {
    const exchange = await startExchange(withTransport({ transport }));
    const values = { user: 'alice', password: 'guessed', status: 401 };
    await wentWell(sipp(await calling(exchange, { scenario: 'registers-challenged', transport, values })).finished);
    assert.deepEqual(exchange.registers, []);
  });
}
