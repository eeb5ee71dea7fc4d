'use strict';
// Servers of 0.7, 0.8 and 0.9: what their lengths count, and what they do not say yet.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connected, told } = require('../support/client');
const { request, response } = require('../support/fake_drachtio_server');

for (const [name, server] of Object.entries({
  0.7: { version: undefined, localHostports: undefined, unit: 'characters' },
  0.8: { version: 'v0.8.4', localHostports: undefined, unit: 'characters' },
  0.9: { version: 'v0.9.10', localHostports: 'udp/10.0.0.5:5060', unit: 'bytes' },
})) {
  test(`a server of ${name} is understood when it sends more than ASCII`, async (t) => {
    const bodies = [];
    const { app, peer } = await connected(t, (app) => {
      app.message((req, res) => {
        bodies.push(req.body);
        res.send(200, { body: 'Größe €' }, () => app.emit('answered'));
      });
    }, { server });
    for (const body of ['ä', '€uro and 😀', 'plain']) {
      peer.deliver(request('MESSAGE', { body }));
      const said = await peer.next('sip');
      assert.equal(said.text.split('\r\n\r\n')[1], 'Größe €');
      const answered = once(app, 'answered');
      peer.accept(said);
      await answered;
    }
    assert.deepEqual(bodies, ['ä', '€uro and 😀', 'plain']);
    assert.equal(peer.said.filter(({ type }) => type === 'sip').length, 3);
  });
}

test('what a server does not say of itself is not told', async (t) => {
  for (const said of [[undefined, undefined], ['v0.8.4', undefined], ['v0.9.10', 'udp/10.0.0.5:5060']]) {
    const [version, localHostports] = said;
    const { app, peer } = await connected(t, undefined, { server: { version, localHostports } });
    const again = told(app, 'connect');
    peer.socket.destroy();
    assert.deepEqual(await again, [null, 'udp/127.0.0.1:5060,tcp/127.0.0.1:5060', ...said]);
  }
});

test('new requests without the address that they came to, dialogs of the old form', async (t) => {
  const { app, peer } = await connected(t);
  const requests = [];
  app.use('invite', (req) => {
    requests.push(req);
    if (requests.length === 2) app.emit('both');
  });
  await peer.next('route');
  const both = once(app, 'both');
  const text = request('INVITE');
  const envelope = `id|sip|network|${text.length}|udp|10.0.0.9|5060|18:02:49.715381`;
  peer.send(`${envelope}|T1||\r\n${text}`);
  peer.send(`${envelope}|T2|cid-1;uas|\r\n${text}`);
  await both;
  assert.deepEqual(requests.map((req) => [req.stackTxnId, req.stackDialogId, req.receivedOn]), [['T1', '', undefined], ['T2', 'cid-1;uas', undefined]]);
  // The server is called by the name that it has given.
  app.request({ method: 'BYE', stackDialogId: requests[1].stackDialogId }).catch(() => {});
  assert.deepEqual((await peer.next('sip')).tokens, ['', 'cid-1;uas']);
});

test('a response whose dialog the server does not tell', async (t) => {
  const { app, peer } = await connected(t);
  const told = new Promise((resolve) => {
    app.options((req, res) => res.send(200, (err) => resolve({ err, res })));
  });
  await peer.next('route');
  peer.deliver(request('OPTIONS'));
  const said = await peer.next('sip');
  peer.send(`id|response|${said.id}|OK|application|812|udp|10.0.0.9|5060|18:02:49.715381|txn-1|Msg sent:|\r\n${response(200, 'OK')}`);
  const { err, res } = await told;
  assert.equal(err, null);
  assert.equal(res.stackDialogId, '');
});

test('bars that an old server does not escape are taken for what they are', async (t) => {
  const { app, peer } = await connected(t);
  const heard = new Promise((resolve) => {
    app.bye(resolve);
  });
  await peer.next('route');
  peer.deliver(request('BYE', { callId: 'a|b' }), { dialog: 'a|b;from-tag=a1' });
  assert.equal((await heard).stackDialogId, 'a|b;from-tag=a1');
});
