'use strict';
// drachtio-srf as it was published for drachtio 1.x, 3.x and 4.x, unchanged, with this package as its `drachtio`.
// `overrides` in package.json puts it there.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const path = require('node:path');
const { test } = require('node:test');
const drachtio = require('../..');
const { startApp } = require('../sipp/app');
const { freePort } = require('../sipp/free_port');

// 4.2.18 says at every start that its constructor is outdated.
require(require.resolve('deprecate', { paths: [require.resolve('drachtio-srf-4')] })).silence = true;

const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';

const overApp = (Srf) => {
  const app = drachtio();
  return { srf: new Srf(app), app };
};
const alone = (Srf) => {
  const srf = new Srf();
  return { srf, app: srf };
};

/** What each version offers: how it is made, and its functions for dialogs. */
const versions = {
  'drachtio-srf 1.0.16 on an application': { name: 'drachtio-srf-1', make: overApp },
  'drachtio-srf 3.0.18 on an application': { name: 'drachtio-srf-3', make: overApp },
  'drachtio-srf 4.2.18 on an application': { name: 'drachtio-srf-4', make: overApp },
  'drachtio-srf 4.2.18 by itself': { name: 'drachtio-srf-4', make: alone },
  'drachtio-srf 5 on an application': { name: 'drachtio-srf', make: overApp },
};

/** The framework on a port of its own, and a plain application at the far end. */
async function pair(t, { name, make }, { server = () => {}, peer = () => {} }) {
  const { srf, app } = make(require(name));
  const port = await freePort();
  server(app, srf);
  const connected = once(app, 'connect');
  app.connect({ contact: `sip:127.0.0.1:${port};transport=udp` });
  const [err] = await connected;
  assert.equal(err, null);
  t.after(() => app.disconnect());
  const far = await startApp(peer);
  t.after(() => far.stop());
  return { srf, uri: `sip:bob@127.0.0.1:${port}`, far, farUri: `sip:bob@${far.address}` };
}

/** Answers a call by the function that this version has for it. */
function answer(srf, req, res, done) {
  if (srf.createUasDialog) srf.createUasDialog(req, res, { localSdp: SDP }, done);
  else srf.createUAS(req, res, { localSdp: SDP }, done);
}

function call(srf, uri) {
  if (srf.createUacDialog === undefined) return srf.createUAC(uri, { localSdp: SDP });
  return new Promise((resolve, reject) => {
    srf.createUacDialog(uri, { localSdp: SDP }, (err, dialog) => (err ? reject(err) : resolve(dialog)));
  });
}

/** Connects a call to another one, by the function that this version has for it. */
function bridge(srf, req, res, uri, done) {
  const options = { localSdpB: req.body };
  if (srf.createB2BUA) srf.createB2BUA(req, res, uri, options).then(done);
  else srf.createBackToBackDialogs(req, res, uri, options, (err, uas, uac) => done({ uas, uac }));
}

/** Calls from the far end; returns the dialog id when the answer has been acknowledged. */
async function callFrom(far, uri) {
  const req = await far.app.request({ uri, method: 'INVITE', body: SDP });
  for await (const res of req.responses()) {
    if (res.status < 200) continue;
    assert.equal(res.status, 200);
    assert.equal(res.body, SDP);
    await res.ack();
    return res.stackDialogId;
  }
}

for (const [title, version] of Object.entries(versions)) {
  test(`${title} is on this package`, () => {
    const framework = require.resolve(version.name);
    if (version.name === 'drachtio-srf-1' || version.name === 'drachtio-srf') return;
    assert.equal(require.resolve('drachtio', { paths: [framework] }), path.join(__dirname, '../../index.js'));
  });

  test(`${title}: a call is answered, and the caller hangs up`, async (t) => {
    const dialogs = [];
    const { far, uri } = await pair(t, version, {
      server: (app, srf) => app.invite((req, res) => answer(srf, req, res, (err, dialog) => dialogs.push({ err, dialog, ended: dialog && once(dialog, 'destroy') }))),
    });
    const dialog = await callFrom(far, uri);
    const bye = await far.app.request({ method: 'BYE', stackDialogId: dialog });
    for await (const res of bye.responses()) assert.equal(res.status, 200);
    assert.equal(dialogs.length, 1);
    assert.ifError(dialogs[0].err);
    assert.equal(dialogs[0].dialog.local.sdp, SDP);
    await dialogs[0].ended;
  });

  test(`${title}: a call is answered, and the callee hangs up`, async (t) => {
    const answered = deferred();
    const ended = deferred();
    const { far, uri } = await pair(t, version, {
      server: (app, srf) => app.invite((req, res) => answer(srf, req, res, (err, dialog) => (err ? answered.reject(err) : answered.resolve(dialog)))),
      peer: (app) => app.bye((req, res) => {
        res.send(200);
        ended.resolve(req);
      }),
    });
    const dialog = await callFrom(far, uri);
    await new Promise((resolve) => answered.promise.then((one) => one.destroy(resolve)));
    assert.equal((await ended.promise).stackDialogId, dialog);
  });

  test(`${title}: a call is made, and the caller hangs up`, async (t) => {
    const ended = deferred();
    const { srf, farUri } = await pair(t, version, {
      peer: (app) => app
        .invite((req, res) => res.send(200, { body: SDP }))
        .bye((req, res) => {
          res.send(200);
          ended.resolve(req);
        }),
    });
    const dialog = await call(srf, farUri);
    assert.equal(dialog.remote.sdp, SDP);
    await new Promise((resolve) => dialog.destroy(resolve));
    assert.equal((await ended.promise).get('call-id'), dialog.sip.callId);
  });

  test(`${title}: a call is made, and the callee hangs up`, async (t) => {
    const callee = deferred();
    const { srf, far, farUri } = await pair(t, version, {
      peer: (app) => app.invite((req, res) => res.send(200, { body: SDP }, () => callee.resolve(res.stackDialogId))),
    });
    const dialog = await call(srf, farUri);
    const ended = once(dialog, 'destroy');
    const bye = await far.app.request({ method: 'BYE', stackDialogId: await callee.promise });
    for await (const res of bye.responses()) assert.equal(res.status, 200);
    await ended;
  });

  test(`${title}: a call is refused`, async (t) => {
    const { srf, farUri } = await pair(t, version, { peer: (app) => app.invite((req, res) => res.send(486)) });
    await assert.rejects(call(srf, farUri), { status: 486 });
  });
}

for (const [title, version] of Object.entries(versions)) {
  test(`${title}: a call is connected to another one, and the first end to hang up ends both`, async (t) => {
    const answered = deferred();
    const ended = deferred();
    const hungUp = deferred();
    const callee = await startApp((app) => app
      .invite((req, res) => res.send(200, { body: SDP.replace('4000', '5000') }, () => answered.resolve(res.stackDialogId)))
      .bye((req, res) => res.send(200)));
    t.after(() => callee.stop());
    const { far, uri } = await pair(t, version, {
      server: (app, srf) => app.invite((req, res) => {
        bridge(srf, req, res, `sip:carol@${callee.address}`, ({ uas, uac }) => {
          uas.on('destroy', () => uac.destroy());
          uac.on('destroy', () => uas.destroy(hungUp.resolve));
        });
      }),
      peer: (app) => app.bye((req, res) => {
        res.send(200);
        ended.resolve(req.stackDialogId);
      }),
    });
    const req = await far.app.request({ uri, method: 'INVITE', body: SDP });
    let dialog;
    for await (const res of req.responses()) {
      if (res.status < 200) continue;
      assert.equal(res.body, SDP.replace('4000', '5000'));
      await res.ack();
      dialog = res.stackDialogId;
    }
    await callee.app.request({ method: 'BYE', stackDialogId: await answered.promise });
    assert.equal(await ended.promise, dialog);
    // Whoever disconnects before the answer to its BYE has come is told that the BYE has failed.
    await hungUp.promise;
  });
}

function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}
