'use strict';
// An application registers at Kamailio with its password, and is called through it.

const assert = require('node:assert/strict');
const { freePort, startApp } = require('../sipp/app');
const { sipp } = require('../sipp/sipp');
const { accept, answer, ask, notes, sdp } = require('./agent');
const { startKamailio } = require('./kamailio');
const { peerTest } = require('./peer');
const { TRANSPORTS, wentWell, withTransport } = require('./sipp_peer');

for (const transport of TRANSPORTS) {
  peerTest(['kamailio', 'sipp', 'openssl'], `${transport}: registers, is called and hung up on, and unregisters`, async () => {
    const called = {};
    const { kamailio, register } = await registered(transport, (app) => {
      Object.assign(called, notes(app, { invite: answer, ack: () => {}, bye: accept }));
    });
    await calls(kamailio, { scenario: 'caller' });
    assert.deepEqual(called.seen.map(({ method, protocol }) => [method, protocol]), [
      ['INVITE', transport],
      ['ACK', transport],
      ['BYE', transport],
    ]);

    await register(0);
    await calls(kamailio, { scenario: 'caller-refused', values: { status: 404 } });
  });

  peerTest(['kamailio', 'sipp', 'openssl'], `${transport}: is called, and hangs up`, async () => {
    const { kamailio } = await registered(transport, (app) => {
      app.invite(answer);
      app.ack(({ stackDialogId }) => ask(app, { method: 'BYE', stackDialogId }));
    });
    await calls(kamailio, { scenario: 'caller-hung-up' });
  });

  peerTest(['kamailio', 'sipp', 'openssl'], `${transport}: is called, and the PRACK for its reliable 183 comes through Kamailio`, async () => {
    const called = {};
    const { kamailio } = await registered(transport, (app) => {
      const invite = (req, res) => {
        res.send(183, { headers: { Require: '100rel' }, body: sdp() }, () => {}, () => res.send(200, { body: sdp() }));
      };
      Object.assign(called, notes(app, { invite, prack: accept, bye: accept }));
    });
    await calls(kamailio, { scenario: 'caller-reliable' });
    assert.equal((await called.request('PRACK')).getParsedHeader('Via').length, 2);
  });

  peerTest(['kamailio', 'sipp', 'openssl'], `${transport}: is called, and the caller gives up`, async () => {
    const cancelled = [];
    const { kamailio } = await registered(transport, (app) => {
      app.invite((req, res) => {
        req.on('cancel', () => cancelled.push(req));
        res.send(180);
      });
    });
    await calls(kamailio, { scenario: 'caller-cancels-after-ringing' });
    assert.equal(cancelled.length, 1);
  });
}

peerTest(['kamailio', 'openssl'], 'a wrong password: the 401 is the answer', async () => {
  const kamailio = await startKamailio();
  const { app, address } = await startApp(() => {});
  const { statuses } = await ask(app, registration(kamailio, `sip:app@${address}`, { password: 'guessed' }));
  assert.deepEqual(statuses, [401]);
});

/** An application that has registered at a Kamailio; `register` does so again, for a number of seconds. */
async function registered(transport, configure) {
  const kamailio = await startKamailio();
  const { app, at } = await startApp(configure, withTransport({ transport }));
  const contact = `sip:app@${at(transport)};transport=${transport}`;
  const register = async (expires) => {
    const { res, statuses } = await ask(app, registration(kamailio, contact, { expires, transport }));
    assert.deepEqual(statuses, [200], kamailio.log());
    return res;
  };
  const res = await register(300);
  assert.equal(res.getParsedHeader('Contact').uri, contact);
  return { kamailio, app, register };
}

function registration({ at }, contact, { expires = 300, password = 'secret', transport = 'udp' }) {
  return {
    method: 'REGISTER',
    uri: `sip:127.0.0.1;transport=${transport}`,
    proxy: `sip:${at(transport)};transport=${transport}`,
    headers: { From: 'sip:app@127.0.0.1', To: 'sip:app@127.0.0.1', Contact: `<${contact}>;expires=${expires}` },
    auth: { username: 'app', password },
  };
}

async function calls(kamailio, options) {
  const values = { user: 'app', talk: 50, ...options.values };
  return wentWell(sipp({ ...options, values, target: kamailio.address, port: await freePort() }).finished);
}
