'use strict';
// drachtio-server §4: call detail records reach who listens for them, in turns, whoever has the call: drachtio-srf and this
// package's applications, through the server and embedded.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const drachtio = require('../..');
const { SDP, SECRET, connect, deferred, eachVersion, routed, sdp, station, startServer } = require('./support');

const TIME = /^\d\d:\d\d:\d\d\.\d{6}$/;

const CALL = ['attempt network INVITE', 'start application uas 200', 'stop network normal-release BYE'];

/** Notes the records that an emitter of such events gets, until as many have come. */
function collect(emitter, count) {
  const { promise, resolve } = deferred();
  const records = [];
  for (const kind of ['attempt', 'start', 'stop']) {
    emitter.on(`cdr:${kind}`, (source, time, ...rest) => {
      const msg = rest.pop();
      assert.match(time, TIME);
      assert.ok(msg.get('call-id'));
      records.push([kind, source, ...rest, msg.status ?? msg.method].join(' '));
      if (records.length === count) resolve(records);
    });
  }
  return promise;
}

/** Calls somebody who answers, and hangs up. */
async function call(t, uri) {
  const caller = await station(t);
  const uac = await caller.srf.createUAC(uri, { localSdp: sdp(5000) });
  await uac.destroy();
}

/** An application of this package, connected in this way. */
async function application(t, options, prepare) {
  const app = drachtio();
  const connected = once(app, 'connect');
  prepare(app);
  app.connect(options);
  t.after(() => app.disconnect());
  const [err, hostport] = await connected;
  assert.equal(err, null);
  return { app, address: hostport.split(',')[0].split('/')[1] };
}

/** Answers calls and lets them end. */
function answerCalls(app) {
  app.invite((req, res) => res.send(200, { headers: { 'Content-Type': 'application/sdp' }, body: SDP }));
  app.bye((req, res) => res.send(200));
}

eachVersion('an application gets the records of calls that another one has', async (t, version) => {
  const { port, address } = await startServer(t);
  const callee = await connect(t, port, version, { handlers: { invite: (req, res) => callee.createUAS(req, res, { localSdp: SDP }) } });
  const collector = await connect(t, port, version);
  const records = collect(collector, 3);
  await routed(collector);
  await call(t, `sip:user@${address}`);
  assert.deepEqual(await records, CALL);
});

eachVersion('a call that is made, and one that is refused, have the records of the other side', async (t, version) => {
  const callee = await station(t);
  callee.srf.invite((req, res) => (req.get('X-Wanted') ? callee.srf.createUAS(req, res, { localSdp: SDP }) : res.send(486)));
  await routed(callee.srf);
  const { srf } = await station(t, version);
  const records = collect(srf, 5);
  await routed(srf);
  const uac = await srf.createUAC(callee.uri, { localSdp: sdp(5000), headers: { 'X-Wanted': 'yes' } });
  await uac.destroy();
  await assert.rejects(srf.createUAC(callee.uri, { localSdp: sdp(5000) }), { status: 486 });
  assert.deepEqual(await records, [
    'attempt application INVITE',
    'start network uac 200',
    'stop application normal-release BYE',
    'attempt application INVITE',
    'stop network call-rejected 486',
  ]);
});

test('a call that is proxied has records of both its sides', async (t) => {
  const callee = await station(t, 'drachtio-srf', { invite: (req, res) => callee.srf.createUAS(req, res, { localSdp: SDP }) });
  const proxy = await station(t, 'drachtio-srf', {
    invite: (req, res) => proxy.srf.proxyRequest(req, callee.uri, { recordRoute: true }).catch(() => {}),
  });
  const records = collect(proxy.srf, 6);
  await routed(proxy.srf);
  await call(t, proxy.uri);
  assert.deepEqual(await records, [
    'attempt network INVITE',
    'attempt application INVITE',
    'start network proxy-uac 200',
    'start application proxy-uas 200',
    'stop network normal-release BYE',
    'stop application normal-release BYE',
  ]);
});

test('who listens takes turns', async (t) => {
  const { port, address } = await startServer(t);
  await connect(t, port, 'drachtio-srf', { handlers: { invite: (req, res) => res.send(486) } });
  const collectors = [await connect(t, port), await connect(t, port)];
  const heard = collectors.map((srf) => collect(srf, 2));
  for (const srf of collectors) await routed(srf);
  const caller = await station(t);
  for (let n = 0; n < 2; n++) {
    await assert.rejects(caller.srf.createUAC(`sip:user@${address}`, { localSdp: sdp(5000) }), { status: 486 });
  }
  const two = ['attempt network INVITE', 'stop application call-rejected 486'];
  assert.deepEqual(await Promise.all(heard), [two, two]);
});

test('an application of this package gets them through the server', async (t) => {
  const { port, address } = await startServer(t);
  let records;
  await application(t, { host: '127.0.0.1', port, secret: SECRET }, (app) => {
    records = collect(app, 3);
    answerCalls(app);
  });
  await call(t, `sip:user@${address}`);
  assert.deepEqual(await records, CALL);
});

test('an application gets them embedded, asked for before and after it has started', async (t) => {
  let before;
  const { app, address } = await application(t, { contact: 'sip:127.0.0.1:0;transport=udp,tcp' }, (app) => {
    before = collect(app, 3);
    answerCalls(app);
  });
  await call(t, `sip:user@${address}`);
  assert.deepEqual(await before, CALL);
  const again = collect(app, 3);
  await call(t, `sip:user@${address}`);
  assert.deepEqual(await again, CALL);

  const late = await application(t, { contact: 'sip:127.0.0.1:0;transport=udp,tcp' }, answerCalls);
  const records = collect(late.app, 3);
  await call(t, `sip:user@${late.address}`);
  assert.deepEqual(await records, CALL);
});
