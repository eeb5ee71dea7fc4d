'use strict';
// Applications of the shapes that were published for drachtio 1 to 4, unchanged: see as-written/. Each runs on an engine of
// its own, and as a client of a server.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const drachtio = require('../..');
const { startApp } = require('../sipp/app');
const { SECRET, startServer } = require('../server/support');
const { freePort } = require('../sipp/free_port');

const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';
const VIDEO = `${SDP}m=video 4002 RTP/AVP 96\r\n`;
const SERVER = { username: 'bob', password: 'open sesame' };

/** Another application at the far end, which ends with the test. */
async function peer(t, configure) {
  const running = await startApp(configure);
  t.after(() => running.stop());
  return running;
}

/** How an application is connected: `connect` for it, and the address at which it is called. */
const MODES = {
  async 'on an engine of its own'(t, contacts) {
    const contact = contacts ?? [`sip:127.0.0.1:${await freePort()};transport=udp`];
    return { address: addressOf(contact[0]), connect: { contact } };
  },
  async 'as a client of a server'(t, contacts) {
    const contact = contacts ?? [`sip:127.0.0.1:${await freePort()};transport=udp`];
    const { port } = await startServer(t, { contact });
    return { address: addressOf(contact[0]), connect: { host: '127.0.0.1', port, secret: SECRET } };
  },
};

function addressOf(contact) {
  return /^sip:(.*);/.exec(contact)[1];
}

/** Waits until a server has taken note of what an application wants. */
async function settled(app) {
  while (!app.idle) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A registrar that asks for a password. */
const registrar = (app) => {
  app.use('register', drachtio.digestAuth({ realm: 'example.com', passwords: { bob: SERVER.password }, checkUri: false }));
  app.register((req, res) => {
    const [contact] = req.getParsedHeader('contact');
    res.send(200, { headers: { Contact: `<${contact.uri}>;expires=${contact.params.expires ?? req.get('expires')}` } });
  });
};

for (const [mode, loopback] of Object.entries(MODES)) {

/** The final response to a request of the peer's, which acknowledges a 2xx. */
async function final(app, options) {
  const req = await app.request(options);
  for await (const res of req.responses()) {
    if (res.status < 200) continue;
    await res.ack();
    return res;
  }
}

  test(`${mode}: a proxy that pings its servers and sends calls to those that are up`, async (t) => {
    const answering = (name) => (app) => app
      .options((req, res) => res.send(app.locals.down ? 503 : 200))
      .invite((req, res) => res.send(200, { headers: { 'X-Server': name }, body: SDP }))
      .bye((req, res) => res.send(200));
    const servers = [await peer(t, answering('one')), await peer(t, answering('two'))];
    const caller = await peer(t, () => {});
    const { address, connect } = await loopback(t);
    const app = require('./as-written/pinging-proxy')({
      connect, servers: servers.map((server) => `sip:${server.address}`), interval: 20, denied: ['10.9.9.9'],
    });
    t.after(() => app.stop());
    // Both servers have answered.
    await once(app, 'ping');
    await once(app, 'ping');
    const call = () => final(caller.app, { uri: `sip:bob@${address}`, method: 'INVITE', body: SDP });
    const answers = [await call(), await call(), await call()];
    assert.deepEqual(answers.map((res) => res.get('X-Server')).slice(0, 2).sort(), ['one', 'two']);
    assert.equal(answers[2].get('X-Server'), answers[0].get('X-Server'));
    const bye = await final(caller.app, { method: 'BYE', stackDialogId: answers[0].stackDialogId });
    assert.equal(bye.status, 200);

    servers[0].app.locals.down = true;
    for (;;) {
      const [uri, up] = await once(app, 'ping');
      if (uri.includes(servers[0].address) && !up) break;
    }
    assert.deepEqual([(await call()).get('X-Server'), (await call()).get('X-Server')], ['two', 'two']);
  });

  test(`${mode}: a signalling gateway: calls both ways, INFO and BYE in them, and a call that is given up`, async (t) => {
    const seen = [];
    const far = await peer(t, (app) => app
      .invite((req, res) => {
        res.send(180);
        if (req.calledNumber === 'busy') res.send(486);
        else if (req.calledNumber !== 'slow') res.send(200, { body: SDP });
      })
      .info((req, res) => {
        seen.push(req.get('content-type'));
        res.send(200);
      })
      .bye((req, res) => res.send(200)));
    const { address, connect } = await loopback(t);
    const media = { answer: (offer, done) => setImmediate(done, offer.replace('4000', '5000')) };
    let app;
    await new Promise((resolve) => {
      app = require('./as-written/signalling-gateway')({ connect, media }, resolve);
    });
    t.after(() => app.disconnect());
    const ask = (name, ...args) => new Promise((resolve, reject) => app[name](...args, (err, value) => (err ? reject(err) : resolve(value))));

    const { callId, sdp } = await ask('call', `sip:bob@${far.address}`, VIDEO);
    assert.equal(sdp, SDP);
    assert.equal(await ask('askForPicture', callId), 200);
    assert.equal(await ask('hangUp', callId), 200);
    assert.deepEqual(seen, ['application/media_control+xml']);
    await assert.rejects(ask('call', `sip:busy@${far.address}`, VIDEO), { message: 'Busy Here' });

    const ringing = once(app, 'progress');
    const slow = ask('call', `sip:slow@${far.address}`, VIDEO);
    assert.deepEqual(await ringing, [180, true]);
    const cancelled = once(app, 'cancelled');
    app.hangUpDialling();
    assert.deepEqual(await cancelled, [null, 'CANCEL']);
    await assert.rejects(slow, { message: 'Request Terminated' });

    assert.equal((await final(far.app, { uri: `sip:gw@${address}`, method: 'INVITE', body: SDP })).status, 488);
    const established = once(app, 'established');
    const answer = await final(far.app, { uri: `sip:gw@${address}`, method: 'INVITE', body: VIDEO });
    assert.equal(answer.body, VIDEO.replace('4000', '5000'));
    assert.deepEqual(await established, [answer.get('call-id')]);
    const info = once(app, 'info');
    await final(far.app, { method: 'INFO', stackDialogId: answer.stackDialogId, headers: { 'Content-Type': 'application/dtmf' }, body: '5' });
    assert.deepEqual(await info, ['application/dtmf', '5']);
    const ended = once(app, 'ended');
    await final(far.app, { method: 'BYE', stackDialogId: answer.stackDialogId });
    assert.deepEqual(await ended, [answer.get('call-id'), true]);
  });

  test(`${mode}: a probe registers, tells how long it took, and ends`, async (t) => {
    const far = await peer(t, registrar);
    const { connect } = await loopback(t);
    const probe = (password) => new Promise((resolve, reject) => {
      require('./as-written/register-probe')({ connect, domain: far.address, user: 'bob', password }, (err, result) => (err ? reject(err) : resolve(result)));
    });
    const { status, took, from } = await probe(SERVER.password);
    assert.deepEqual([status, Number.isInteger(took), from], [200, true, far.address]);
    assert.equal((await probe('wrong')).status, 401);
  });

  test(`${mode}: a recorder makes two calls of the two parties of a multipart INVITE`, async (t) => {
    const recorded = [];
    const media = await peer(t, (app) => app
      .invite((req, res) => {
        recorded.push([req.get('X-Recorded'), req.body.match(/^m=.*$/gm)]);
        res.send(200, { body: SDP.replace('4000', `${6000 + recorded.length}`) });
      })
      .bye((req, res) => {
        recorded.push('bye');
        res.send(200);
        if (recorded.length === 4) app.emit('hung up');
      }));
    const hungUp = once(media.app, 'hung up');
    const client = await peer(t, () => {});
    const { address, connect } = await loopback(t);
    const app = require('./as-written/recorder')({ connect, mediaServer: `sip:${media.address}` });
    t.after(() => app.disconnect());
    await once(app, 'connect');
    await settled(app);

    const metadata = '<recording><participant aor="sip:alice@a.example"/><participant aor="sip:bob@b.example"/></recording>';
    const both = `${SDP}m=audio 4010 RTP/AVP 8\r\n`;
    const body = `--b\r\nContent-Type: application/sdp\r\n\r\n${both}\r\n--b\r\nContent-Type: application/rs-metadata+xml\r\n\r\n${metadata}\r\n--b--\r\n`;
    const recording = once(app, 'recording');
    const answer = await final(client.app, {
      uri: `sip:${address}`, method: 'INVITE', headers: { Require: 'siprec', 'Content-Type': 'multipart/mixed;boundary=b' }, body,
    });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body.match(/^m=.*$/gm), ['m=audio 6001 RTP/AVP 0', 'm=audio 6002 RTP/AVP 0']);
    assert.deepEqual(await recording, [['sip:alice@a.example', 'sip:bob@b.example']]);
    assert.deepEqual(recorded, [['sip:alice@a.example', ['m=audio 4000 RTP/AVP 0']], ['sip:bob@b.example', ['m=audio 4010 RTP/AVP 8']]]);
    const ended = once(app, 'recorded');
    await final(client.app, { method: 'BYE', stackDialogId: answer.stackDialogId });
    assert.deepEqual(await ended, [0]);
    await hungUp;
    assert.deepEqual(recorded.slice(2), ['bye', 'bye']);
    assert.equal((await final(client.app, { uri: `sip:${address}`, method: 'INVITE', body: SDP })).status, 488);
  });

  test(`${mode}: a bot stays registered, and is busy`, async (t) => {
    const far = await peer(t, registrar);
    const { address, connect } = await loopback(t);
    const app = require('./as-written/registering-bot')({ connect, domain: far.address, user: 'bob', password: SERVER.password, tick: 1 });
    t.after(() => app.stop());
    const [seconds, callId, first] = await once(app, 'registered');
    const [, again, second] = await once(app, 'registered');
    assert.deepEqual([seconds, again], [60, callId]);
    assert.ok(second > first);
    const busy = await final(far.app, { uri: `sip:bob@${address}`, method: 'INVITE', body: SDP });
    assert.deepEqual([busy.status, busy.reason], [486, 'I am a bot']);
  });

  test(`${mode}: a proxy between IPv4 and IPv6`, async (t) => {
    const phone = async (host) => {
      const app = drachtio();
      app.invite((req, res) => res.send(200, { body: SDP })).bye((req, res) => res.send(200));
      const port = await freePort();
      app.connect({ contact: `sip:${host}:${port};transport=udp` });
      await once(app, 'connect');
      t.after(() => app.disconnect());
      return { app, uri: `sip:bob@${host}:${port}` };
    };
    const [ipv4, ipv6] = [await phone('127.0.0.1'), await phone('[::1]')];
    const [port4, port6] = [await freePort(), await freePort()];
    const { connect } = await loopback(t, [`sip:127.0.0.1:${port4};transport=udp`, `sip:[::1]:${port6};transport=udp`]);
    const app = require('./as-written/ip46-proxy')({ connect, ipv4: ipv4.uri, ipv6: ipv6.uri });
    t.after(() => app.disconnect());
    const [addresses] = await once(app, 'ready');
    await settled(app);
    assert.deepEqual(addresses.map(({ host, port }) => [host, port]), [['127.0.0.1', port4], ['[::1]', port6]]);
    for (const [caller, at, family] of [[ipv4, `127.0.0.1:${port4}`, 'ipv4'], [ipv6, `[::1]:${port6}`, 'ipv6']]) {
      const proxied = once(app, 'proxied');
      const answer = await final(caller.app, { uri: `sip:bob@${at}`, method: 'INVITE', body: SDP });
      assert.equal(answer.status, 200);
      assert.deepEqual(await proxied, [family, true]);
      assert.equal((await final(caller.app, { method: 'BYE', stackDialogId: answer.stackDialogId })).status, 200);
    }
  });
}
