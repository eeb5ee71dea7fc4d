'use strict';
// The larger programs of `examples`, run as a person would run them, with telephones at their far ends.

const assert = require('node:assert/strict');
const { test: plainTest } = require('node:test');
const drachtio = require('../..');
const { freePort } = require('../sipp/free_port');
const { certificate, engineWithTls } = require('../interop/certificate');
const { tlsTest } = require('../tls/pki');
const { startPhone, sdp } = require('./phone');
const { runExample } = require('./run');

/** What a telephone waits for may never come: then the test has failed. */
const test = (name, fn) => plainTest(name, { timeout: 30_000 }, fn);

const loopback = (port) => `sip:127.0.0.1:${port};transport=udp,tcp`;

/** Starts an example on a port of its own, which is returned. */
async function start(t, name, args = [], contacts = undefined) {
  const port = await freePort();
  const example = runExample(name, [...(contacts ?? [loopback(port)]).flatMap((contact) => ['--contact', contact]), ...args]);
  t.after(() => example.stop());
  await example.printed('listening on');
  return { ...example, port };
}

test('b2bua.js: a call, a change of it and its end pass from one side to the other', async (t) => {
  const [alice, bob] = [await startPhone(t, 'alice'), await startPhone(t, 'bob')];
  const example = await start(t, 'b2bua.js', [bob.address]);
  const answered = await alice.call(`sip:bob@127.0.0.1:${example.port}`);
  assert.equal(answered.status, 200);
  assert.equal(answered.body, sdp('bob'));
  const invite = await bob.hears('INVITE');
  assert.equal(invite.body, sdp('alice'));
  assert.equal(invite.callingNumber, 'alice');
  assert.notEqual(invite.get('Call-ID'), answered.get('Call-ID'));
  await bob.hears('ACK');
  await example.printed('connected alice to bob');

  const changed = await alice.sendIn(answered.stackDialogId, { method: 'INVITE', headers: { 'Content-Type': 'application/sdp' }, body: sdp('hold') });
  assert.equal(changed.status, 200);
  const again = await bob.hears('INVITE');
  assert.equal(again.body, sdp('hold'));
  assert.equal(again.stackDialogId, (await bob.hears('ACK')).stackDialogId);

  const over = await bob.sendIn(again.stackDialogId, { method: 'BYE', headers: { Reason: 'SIP;cause=200;text="lunch"' } });
  assert.equal(over.status, 200);
  assert.match((await alice.hears('BYE')).get('Reason'), /lunch/);
});

test('b2bua.js: an INVITE without an offer gets the callee’s, and the ACK brings the answer', async (t) => {
  const [alice, bob] = [await startPhone(t, 'alice'), await startPhone(t, 'bob')];
  const example = await start(t, 'b2bua.js', [bob.address]);
  const req = await alice.app.request({ uri: `sip:bob@127.0.0.1:${example.port}`, method: 'INVITE' });
  await new Promise((resolve) => {
    req.on('response', (res, ack) => {
      if (res.status !== 200) return;
      assert.equal(res.body, sdp('bob'));
      ack({ headers: { 'Content-Type': 'application/sdp' }, body: sdp('alice') });
      resolve();
    });
  });
  assert.equal((await bob.hears('INVITE')).body, '');
  assert.equal((await bob.hears('ACK')).body, sdp('alice'));
});

test('b2bua.js: a call that is refused, and one that is cancelled', async (t) => {
  const busy = (req, res) => (req.calledNumber === 'busy' ? res.send(486) : res.send(180));
  const [alice, bob] = [await startPhone(t, 'alice'), await startPhone(t, 'bob', { rings: busy })];
  const example = await start(t, 'b2bua.js', [bob.address]);
  assert.equal((await alice.call(`sip:busy@127.0.0.1:${example.port}`)).status, 486);
  await bob.hears('INVITE');
  const req = await alice.app.request({ uri: `sip:bob@127.0.0.1:${example.port}`, method: 'INVITE' });
  const final = new Promise((resolve) => {
    req.on('response', (res) => (res.status === 180 ? req.cancel(() => {}) : res.status >= 200 && resolve(res.status)));
  });
  const ringing = await bob.hears('INVITE');
  const cancelled = new Promise((resolve) => ringing.on('cancel', resolve));
  assert.equal(await final, 487);
  await cancelled;
});

/** A call of alice and bob by way of transfer.js. */
async function transferable(t, carolRings) {
  const [alice, bob] = [await startPhone(t, 'alice'), await startPhone(t, 'bob')];
  const carol = await startPhone(t, 'carol', { rings: carolRings });
  const example = await start(t, 'transfer.js', [bob.address]);
  const { status, stackDialogId } = await alice.call(`sip:bob@127.0.0.1:${example.port}`);
  assert.equal(status, 200);
  await bob.hears('INVITE');
  await bob.hears('ACK');
  const referred = await alice.sendIn(stackDialogId, { method: 'REFER', headers: { 'Refer-To': `<sip:carol@${carol.address}>` } });
  assert.equal(referred.status, 202);
  assert.match((await alice.hears('NOTIFY')).body, /^SIP\/2.0 100 /);
  return { alice, bob, carol, stackDialogId };
}

test('transfer.js: who is named in a REFER takes the place of who has sent it', async (t) => {
  const { alice, bob, carol, stackDialogId } = await transferable(t);
  assert.equal((await carol.hears('INVITE')).body, '');
  assert.equal((await bob.hears('INVITE')).body, sdp('carol'));
  assert.equal((await carol.hears('ACK')).body, sdp('bob'));
  const told = await alice.hears('NOTIFY');
  assert.deepEqual([told.body, told.get('Subscription-State')], ['SIP/2.0 200 OK\r\n', 'terminated;reason=noresource']);
  assert.equal((await alice.sendIn(stackDialogId, { method: 'BYE' })).status, 200);
  const { stackDialogId: call } = await bob.hears('ACK');
  await bob.sendIn(call, { method: 'BYE' });
  await carol.hears('BYE');
});

test('transfer.js: who sends a REFER may hang up while the other one is called', async (t) => {
  const calls = [];
  const { alice, bob, carol, stackDialogId } = await transferable(t, (req, res) => calls.push(res));
  await carol.hears('INVITE');
  await alice.sendIn(stackDialogId, { method: 'BYE' });
  calls[0].send(200, { body: sdp('carol') });
  assert.equal((await bob.hears('INVITE')).body, sdp('carol'));
  assert.equal((await carol.hears('ACK')).body, sdp('bob'));
});

test('transfer.js: when the other one is busy the call stays as it was', async (t) => {
  const { alice, bob, stackDialogId } = await transferable(t, (req, res) => res.send(486));
  assert.equal((await alice.hears('NOTIFY')).body, 'SIP/2.0 486 Busy Here\r\n');
  await alice.sendIn(stackDialogId, { method: 'BYE' });
  await bob.hears('BYE');
});

test('click-to-call.js: two telephones are called, and talk to each other', async (t) => {
  const [alice, bob] = [await startPhone(t, 'alice'), await startPhone(t, 'bob')];
  const example = await start(t, 'click-to-call.js', ['0']);
  const http = /http port (\d+)/.exec(example.output())[1];
  const query = new URLSearchParams({ from: `sip:alice@${alice.address}`, to: `sip:bob@${bob.address}` });
  const response = await fetch(`http://127.0.0.1:${http}/call?${query}`, { method: 'POST' });
  assert.equal(response.status, 200, await response.text());
  assert.equal((await alice.hears('INVITE')).body, '');
  const invite = await bob.hears('INVITE');
  assert.equal(invite.body, sdp('alice'));
  assert.equal((await alice.hears('ACK')).body, sdp('bob'));
  const { stackDialogId } = await bob.hears('ACK');
  await bob.sendIn(stackDialogId, { method: 'BYE' });
  await alice.hears('BYE');

  const refused = await fetch(`http://127.0.0.1:${http}/call`, { method: 'POST' });
  assert.equal(refused.status, 400);
});

test('click-to-call.js: whoever was called first is hung up on when the other one is busy', async (t) => {
  const [alice, bob] = [await startPhone(t, 'alice'), await startPhone(t, 'bob', { rings: (req, res) => res.send(486) })];
  const example = await start(t, 'click-to-call.js', ['0']);
  const http = /http port (\d+)/.exec(example.output())[1];
  const query = new URLSearchParams({ from: `sip:alice@${alice.address}`, to: `sip:bob@${bob.address}` });
  const response = await fetch(`http://127.0.0.1:${http}/call?${query}`, { method: 'POST' });
  assert.equal(response.status, 502);
  assert.match(await response.text(), /486 Busy Here/);
  await alice.hears('BYE');
});

test('load-balancer.js: calls go to the servers that answer OPTIONS', async (t) => {
  const [caller, one, two] = [await startPhone(t, 'caller'), await startPhone(t, 'one'), await startPhone(t, 'two')];
  const dead = await freePort();
  const example = await start(t, 'load-balancer.js', [`sip:${one.address}`, `sip:${two.address}`, `sip:127.0.0.1:${dead}`]);
  for (const line of [`${one.address} is up`, `${two.address} is up`, `127.0.0.1:${dead} is down`]) await example.printed(line);
  for (let calls = 0; calls < 4; calls++) assert.equal((await caller.call(`sip:menu@127.0.0.1:${example.port}`)).status, 200);
  const invites = ({ heard }) => heard.filter(({ method }) => method === 'INVITE').length;
  assert.deepEqual([invites(one), invites(two)], [2, 2]);
});

test('load-balancer.js: with no server there, callers are told to come back', async (t) => {
  const caller = await startPhone(t, 'caller');
  const example = await start(t, 'load-balancer.js', [`sip:127.0.0.1:${await freePort()}`]);
  await example.printed('is down');
  const { status, msg } = await caller.call(`sip:menu@127.0.0.1:${example.port}`);
  assert.equal(status, 503);
  assert.equal(msg.get('Retry-After'), '5');
});

test('ivr-redirect.js: callers are sent on by the number that they called', async (t) => {
  const caller = await startPhone(t, 'caller');
  const example = await start(t, 'ivr-redirect.js', ['10.0.0.1', '10.0.0.2']);
  const call = (number) => caller.call(`sip:${number}@127.0.0.1:${example.port}`);
  const uris = (res) => res.getParsedHeader('Contact').map(({ uri, params }) => `${uri} ${params.q}`);
  const [first, second] = [await call('1800'), await call('1801')];
  assert.equal(first.status, 302);
  assert.deepEqual(uris(first), ['sip:sales@10.0.0.1 1.00', 'sip:sales@10.0.0.2 0.50']);
  assert.deepEqual(uris(second), ['sip:support@10.0.0.2 1.00', 'sip:support@10.0.0.1 0.50']);
  assert.equal((await call('1999')).status, 404);
  const blocked = { headers: { From: '<sip:5551234@example.com>' }, body: undefined };
  assert.equal((await caller.call(`sip:1800@127.0.0.1:${example.port}`, blocked)).status, 603);
});

test('digest-gateway.js: our users show their passwords to it, and it shows its own to the provider', async (t) => {
  const configure = (app) => app.use(drachtio.digestAuth({ realm: 'provider', passwords: { house: 'secret' } }));
  const [alice, provider] = [await startPhone(t, 'alice'), await startPhone(t, 'provider', { configure })];
  const example = await start(t, 'digest-gateway.js', [provider.address]);
  const uri = `sip:5551000@127.0.0.1:${example.port}`;
  assert.equal((await alice.call(uri)).status, 407);
  const answered = await alice.call(uri, { auth: { username: 'alice', password: 'open sesame' } });
  assert.equal(answered.status, 200);
  const [challenged, accepted] = [await provider.hears('INVITE'), await provider.hears('INVITE')];
  assert.equal(challenged.has('Authorization'), false);
  assert.match(accepted.get('Authorization'), /username="house"/);
  assert.equal(accepted.get('P-Asserted-Identity'), '<sip:alice@house.example>');
  assert.equal(accepted.has('Proxy-Authorization'), false, 'what alice has shown stays here');
  await alice.sendIn(answered.stackDialogId, { method: 'BYE' });
  await provider.hears('BYE');
});

test('presence.js: who watches a user is told what that user publishes', async (t) => {
  const [watcher, phone] = [await startPhone(t, 'watcher'), await startPhone(t, 'phone')];
  const example = await start(t, 'presence.js');
  const uri = `sip:bob@127.0.0.1:${example.port}`;
  const watched = await watcher.send(uri, { method: 'SUBSCRIBE', headers: { Event: 'presence', Expires: '600' } });
  assert.equal(watched.status, 200);
  const first = await watcher.hears('NOTIFY');
  assert.match(first.get('Subscription-State'), /^active;expires=\d+/);
  assert.equal(first.body, '');

  const headers = { Event: 'presence', Expires: '600', 'Content-Type': 'application/pidf+xml' };
  const published = await phone.send(uri, { method: 'PUBLISH', headers, body: '<presence>open</presence>' });
  assert.equal(published.status, 200);
  assert.equal((await watcher.hears('NOTIFY')).body, '<presence>open</presence>');
  const stale = await phone.send(uri, { method: 'PUBLISH', headers: { ...headers, 'SIP-If-Match': 'x' }, body: '<presence/>' });
  assert.equal(stale.status, 412);
  const taken = { Event: 'presence', Expires: '0', 'SIP-If-Match': published.get('SIP-ETag') };
  assert.equal((await phone.send(uri, { method: 'PUBLISH', headers: taken })).status, 200);
  assert.equal((await watcher.hears('NOTIFY')).body, '');

  const ended = await watcher.sendIn(watched.stackDialogId, { method: 'SUBSCRIBE', headers: { Event: 'presence', Expires: '0' } });
  assert.equal(ended.status, 200);
  assert.match((await watcher.hears('NOTIFY')).get('Subscription-State'), /^terminated/);
  assert.equal((await watcher.send(uri, { method: 'SUBSCRIBE', headers: { Event: 'dialog' } })).status, 489);
});

tlsTest('webrtc-front.js: a client behind a secure WebSocket and a telephone on UDP call each other', async (t) => {
  const { cert, key } = certificate();
  const [udp, wss] = await Promise.all(['udp', 'wss'].map((transport) => freePort(transport)));
  const contacts = [`sip:127.0.0.1:${wss};transport=wss`, `sip:127.0.0.1:${udp};transport=udp`];
  await start(t, 'webrtc-front.js', [`--cert=${cert}`, `--key=${key}`], contacts);
  const [browser, desk] = [await startPhone(t, 'browser', { transport: 'wss', engine: engineWithTls() }), await startPhone(t, 'desk')];
  const register = (phone, user, server, contact) =>
    phone.send(server, { method: 'REGISTER', headers: { To: `<sip:${user}@front>`, From: `<sip:${user}@front>`, Contact: `<${contact}>;expires=300` } });
  const front = `sip:127.0.0.1:${wss};transport=wss`;
  assert.equal((await register(browser, 'web', front, 'sip:web@x7k2.invalid;transport=wss')).status, 200);
  assert.equal((await register(desk, 'desk', `sip:127.0.0.1:${udp}`, `sip:desk@${desk.address}`)).status, 200);

  const toWeb = await desk.call(`sip:web@127.0.0.1:${udp}`);
  assert.equal(toWeb.status, 200);
  await browser.hears('ACK');
  await desk.sendIn(toWeb.stackDialogId, { method: 'BYE' });
  await browser.hears('BYE');

  const toDesk = await browser.call(`sip:desk@127.0.0.1:${wss};transport=wss`);
  assert.equal(toDesk.status, 200);
  const { stackDialogId } = await desk.hears('ACK');
  assert.equal((await desk.sendIn(stackDialogId, { method: 'INFO' })).status, 200);
  await browser.hears('INFO');
  await browser.sendIn(toDesk.stackDialogId, { method: 'BYE' });
  await desk.hears('BYE');
});

test('workers.js: threads share the calls, and one that dies is replaced', async (t) => {
  const port = await freePort('udp');
  const example = runExample('workers.js', ['--contact', `sip:127.0.0.1:${port};transport=udp`, '2']);
  t.after(() => example.stop());
  await example.printed('with 2 threads');
  for (const thread of [1, 2]) await example.printed(`thread ${thread} takes requests`);
  const phone = await startPhone(t, 'phone');
  const uri = `sip:app@127.0.0.1:${port}`;
  const threads = new Set();
  for (let n = 0; n < 2; n++) threads.add((await phone.call(uri)).get('X-Thread'));
  assert.deepEqual([...threads].sort(), ['1', '2']);
  await phone.send(uri, { method: 'MESSAGE', headers: { 'Content-Type': 'text/plain' }, body: 'die' });
  await example.printed('has died: 1');
  await example.printed('thread 3 takes requests');
});
