'use strict';
// What applications of drachtio 1.x to 4.x and drachtio-srf find on the module, on an application, on requests and responses.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, drachtio, request, response, startLine, headerLines, turns } = require('./support/harness');

/** A request that has come, with its response. */
async function received(text = request('INVITE'), meta = {}) {
  let found;
  const { app, engine } = await connected((a) => a.use((req, res) => {
    found = { req, res };
  }));
  engine.receive(text, meta);
  await turns();
  return { app, engine, ...found };
}

test('the module is a function that makes an application, with new or without', () => {
  for (const app of [drachtio(), new drachtio()]) {
    assert.deepEqual([typeof app, app.name, app.length], ['function', 'app', 3]);
    assert.equal(app instanceof drachtio, false);
  }
});

test('an agent takes a function or an application, and needs new', () => {
  for (const handler of [() => {}, drachtio()]) assert.equal(new drachtio.Agent(handler).idle, true);
  assert.throws(() => drachtio.Agent(() => {}), TypeError);
});

test('an application has its method, stack, settings and locals before it is connected, and the rest afterwards', async () => {
  const app = drachtio();
  const handler = () => {};
  app.use(handler).invite(handler);
  assert.deepEqual([app.method, app.stack], ['*', [{ method: '*', handle: handler }, { method: 'invite', handle: handler }]]);
  assert.equal(Object.getPrototypeOf(app.locals), null);
  assert.deepEqual([app.client, app.idle, Object.keys(app.params)], [undefined, undefined, []]);
  assert.equal(app.set('colour', 'blue'), undefined);
  assert.deepEqual([app.get('colour'), app.get('constructor')], ['blue', undefined]);
  app.connect();
  await turns();
  assert.equal(app.client instanceof drachtio.Agent, true);
  app.client.locals = { own: 1 };
  assert.deepEqual([app.idle, app.get('hostport'), app.client.get('colour'), app.client.locals], [true, 'udp/127.0.0.1:5060,tcp/127.0.0.1:5060', 'blue', { own: 1 }]);
});

test('a mounted application has the method that it is mounted for', () => {
  const sub = drachtio();
  drachtio().use('invite', sub);
  assert.equal(sub.method, 'invite');
});

test('route and uac are the agent\'s', () => {
  const app = drachtio();
  assert.deepEqual([app.route, app.uac], [undefined, undefined]);
  assert.deepEqual(['route', 'uac', 'request'].map((name) => typeof new drachtio.Agent(app)[name]), ['function', 'function', 'function']);
});

test('listeners are called with the application as this, and on returns it', async () => {
  const app = drachtio();
  const seen = [];
  assert.equal(app.on('connect', function connected() {
    seen.push(this);
  }).once('close', () => {}), app);
  app.connect();
  await turns();
  assert.equal(seen[0], app);
});

test('request ignores options that it does not know, and leaves those it is given alone', async () => {
  const { app, engine } = await connected();
  const options = { uri: 'sip:a@b', method: 'options', headers: { 'X-A': 1 }, colour: 'blue', _socket: undefined };
  const before = structuredClone(options);
  app.request(options, () => {});
  await turns();
  assert.deepEqual([startLine(engine.drain()[0]), options], ['OPTIONS sip:a@b SIP/2.0', before]);
});

test('a request that came knows how, what to answer with, and who has it', async () => {
  const { app, req, res } = await received(request('INVITE'), { txn: 'T1', protocol: 'tcp' });
  const { source, source_address: address, source_port: port, protocol, stackTime, stackTxnId, stackDialogId, receivedOn } = req;
  assert.deepEqual(
    { source, address, port, protocol, stackTime, stackTxnId, stackDialogId, receivedOn },
    { source: 'network', address: '10.0.0.9', port: 5090, protocol: 'tcp', stackTime: '18:02:49.715381', stackTxnId: 'T1', stackDialogId: '', receivedOn: '127.0.0.1:5060' },
  );
  assert.deepEqual([req.res, res.req, req.app, req.agent, res.agent], [res, req, app, app.client, app.client]);
  assert.deepEqual([req.auth, req.socket, req.server], [undefined, undefined, undefined]);
});

test('a response has what is copied from its request before it is sent', async () => {
  const { res } = await received();
  assert.deepEqual({ ...res.msg.headers }, { 'call-id': 'cid-1', cseq: '1 INVITE', from: '<sip:alice@10.0.0.9>;tag=a1', to: '<sip:bob@127.0.0.1>' });
  assert.deepEqual([res.status, res.statusCode, res.finished, res.headersSent, res.finalResponseSent], [undefined, undefined, false, false, false]);
});

test('passport\'s methods have their names and no others; a response has no body to write to', async () => {
  const { req, res } = await received();
  assert.deepEqual(['logIn', 'logOut', 'isAuthenticated', 'isUnauthenticated'].map((name) => typeof req[name]), Array(4).fill('function'));
  assert.deepEqual([req.login, req.logout, res.write, res.writeHead, res.redirect], Array(5).fill(undefined));
});

test('the agent of a response sends requests in its dialog', async () => {
  const { engine, res } = await received();
  res.agent.request({ method: 'BYE', stackDialogId: 'D1' }, () => {});
  await turns();
  const [bye] = engine.drain();
  assert.deepEqual([bye.head, startLine(bye)], ['||D1', 'BYE sip:placeholder SIP/2.0']);
});

test('sendAck and sendPrack name the dialog themselves', async () => {
  const { app, engine } = await connected();
  const sending = app.request('sip:x@127.0.0.1', { method: 'INVITE' });
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T1' }, request('INVITE', { uri: 'sip:x@127.0.0.1' }));
  const req = await sending;
  const answers = [];
  req.on('response', (res) => answers.push(res));
  engine.receive(response(183, 'Session Progress', { headers: { RSeq: 1 }, seq: 5 }), { txn: 'T1', dialog: 'D1' });
  engine.receive(response(200, 'OK', { seq: 5 }), { txn: 'T1', dialog: 'D1' });
  await turns();
  const told = [];
  answers[0].sendPrack('D2', { headers: { 'X-A': 1 } }, (err, msg) => told.push([err, msg.method]));
  answers[1].sendAck('D2', (err, msg) => told.push([err, msg.method]));
  await turns();
  const [prack, ack] = engine.drain();
  assert.deepEqual([prack.head, startLine(prack), headerLines(prack)], ['||D2', 'PRACK sip:x@127.0.0.1 SIP/2.0', ['X-A: 1', 'RAck: 1 5 INVITE']]);
  assert.deepEqual([ack.head, startLine(ack), headerLines(ack)], ['||D2', 'ACK sip:x@127.0.0.1 SIP/2.0', []]);
  for (const command of [prack, ack]) engine.accept(command, { dialog: 'D2' });
  assert.deepEqual(told, [[null, 'PRACK'], [null, 'ACK']]);
});

test('each of the 71 codes of old has a reason of its own', async () => {
  const codes = [
    ...[100, 180, 181, 182, 183, 199, 200, 202, 204, 300, 301, 302, 305, 380, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410],
    ...[411, 412, 413, 414, 415, 416, 417, 420, 421, 422, 423, 424, 428, 429, 430, 433, 436, 437, 438, 439, 470, 480, 481, 482, 483],
    ...[484, 485, 486, 487, 488, 489, 491, 493, 494, 500, 501, 502, 503, 504, 505, 513, 580, 600, 603, 604, 606],
  ];
  assert.equal(codes.length, 71);
  const { engine } = await connected((app) => app.use((req, res) => res.send(Number(req.get('x-code')))));
  for (const code of codes) engine.receive(request('OPTIONS', { headers: { 'X-Code': code } }), { txn: `T${code}` });
  await turns();
  const lines = engine.drain().map(startLine);
  assert.deepEqual(lines.map((line) => Number(line.split(' ')[1])), codes);
  assert.deepEqual(lines.filter((line) => line.split(' ').length < 3), []);
});

test('what an application reads before anything is there is undefined, and no exception', () => {
  const req = new drachtio.Request();
  const res = new drachtio.Response();
  assert.deepEqual([req.source, req.source_address, req.source_port, req.protocol, req.stackTime, req.stackDialogId, req.method, req.uri], Array(8).fill(undefined));
  assert.deepEqual([req.get('to'), req.has('to'), req.getParsedHeader('contact'), res.status, res.get('via')], [undefined, false, undefined, undefined, undefined]);
  assert.deepEqual([req.calledNumber, req.callingNumber, req.callingName, req.isNewInvite], ['', '', '', false]);
});
