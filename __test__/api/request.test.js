'use strict';
// Sending requests.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, drachtio, request, startLine, headerLines, bodyOf, turns, FakeEngine } = require('./support/harness');

/** The one command that these arguments of `app.request` make. */
async function commandFor(...args) {
  const { app, engine } = await connected();
  app.request(...args);
  await turns();
  const [command, ...rest] = engine.commands;
  assert.deepEqual(rest, []);
  return command;
}

test('a request has the headers in the order and spelling they are given in, and the body', async () => {
  const command = await commandFor({
    uri: 'sip:x@y.example',
    method: 'options',
    headers: { 'user-agent': 'x', 'X-Arr': ['a', 'b'], 'Max-Forwards': 7, Left: undefined, Out: null, none: [] },
    body: 'abc',
  });
  assert.equal(command.kind, 3);
  assert.equal(command.head, '||');
  assert.equal(startLine(command), 'OPTIONS sip:x@y.example SIP/2.0');
  assert.deepEqual(headerLines(command), ['user-agent: x', 'X-Arr: a,b', 'Max-Forwards: 7']);
  assert.equal(bodyOf(command), 'abc');
});

test('the uri may come first, and so may the socket of drachtio 4', async () => {
  const line = 'OPTIONS sip:x@y.example SIP/2.0';
  assert.equal(startLine(await commandFor('sip:x@y.example', { method: 'OPTIONS' })), line);
  assert.equal(startLine(await commandFor('sip:x@y.example', { method: 'OPTIONS' }, () => {})), line);
  assert.equal(startLine(await commandFor({ socket: 1 }, 'sip:x@y.example', { method: 'OPTIONS' })), line);
  assert.equal(startLine(await commandFor({ socket: 1 }, { uri: 'sip:x@y.example', method: 'OPTIONS' })), line);
  assert.equal(startLine(await commandFor({ uri: 'sip:x@y.example', method: 'OPTIONS', _socket: {}, other: 1 })), line);
});

test('a request in a dialog names it, and needs no uri', async () => {
  const command = await commandFor({ method: 'bye', stackDialogId: 'D9|x;from-tag=1' });
  assert.equal(command.head, '||D9|x;from-tag=1');
  assert.equal(startLine(command), 'BYE sip:placeholder SIP/2.0');
});

test('proxy is the next hop', async () => {
  const command = await commandFor({ uri: 'sip:a@b.example', method: 'INVITE', proxy: 'sip:10.0.0.1;transport=tcp' });
  assert.equal(command.head, '|sip:10.0.0.1;transport=tcp|');
});

test('challenges and credentials of an array have a line each', async () => {
  const command = await commandFor({ uri: 'sip:a@b.example', method: 'REGISTER', headers: { Authorization: ['Digest a="1"', 'Digest b="2"'] } });
  assert.deepEqual(headerLines(command), ['Authorization: Digest a="1"', 'Authorization: Digest b="2"']);
});

test('a body may be bytes of UTF-8', async () => {
  assert.equal(bodyOf(await commandFor({ uri: 'sip:a@b.example', method: 'MESSAGE', body: Buffer.from('grüße') })), 'grüße');
  const { app } = await connected();
  for (const body of [Buffer.from([0xff, 0x00]), { v: 0 }, true]) {
    assert.throws(() => app.request({ uri: 'sip:a@b.example', method: 'MESSAGE', body }), { code: 'DRT_ERR_INVALID_BODY' });
  }
});

test('the options stay as they are, and may be frozen', async () => {
  const options = Object.freeze({ method: 'options', headers: Object.freeze({ A: 1 }) });
  await commandFor('sip:x@y.example', options);
  assert.deepEqual(options, { method: 'options', headers: { A: 1 } });
});

test('the callback gets the request as it was sent', async () => {
  const { app, engine } = await connected();
  let sent;
  app.request({ uri: 'sip:bob@10.0.0.9', method: 'INVITE' }, (err, req) => {
    sent = [err, req];
  });
  await turns();
  engine.accept(engine.commands[0], { txn: 'T7', dialog: 'D7', address: '10.0.0.9', port: 5090 }, request('INVITE'));
  const [err, req] = sent;
  assert.equal(err, null);
  assert.ok(req instanceof drachtio.Request);
  assert.equal(req.source, 'application');
  assert.equal(req.stackTxnId, 'T7');
  assert.equal(req.stackDialogId, 'D7');
  assert.equal(req.source_address, '10.0.0.9');
  assert.equal(req.source_port, 5090);
  assert.equal(req.get('Call-ID'), 'cid-1');
  assert.equal(req.agent, app.client);
});

test('a refusal is an Error whose text is the bare text', async () => {
  const { app, engine } = await connected();
  const errors = [];
  app.request('sip:a@b.example', { method: 'OPTIONS' }, (err) => errors.push(err));
  app.request('sip:a@b.example', { method: 'OPTIONS' }, (err) => errors.push(err));
  await turns();
  engine.refuse(engine.commands[0], 'Internal server error', 'DRT_ERR_X');
  engine.refuse(engine.commands[1], '', '');
  assert.ok(errors.every((err) => err instanceof Error && err instanceof drachtio.DrachtioError));
  assert.deepEqual(errors.map((err) => err.message), ['Internal server error', 'request failed']);
  assert.deepEqual(errors.map(String), ['Internal server error', 'request failed']);
  assert.equal(`failed: ${errors[0]}`, 'failed: Internal server error');
  assert.deepEqual(errors.map((err) => err.code), ['DRT_ERR_X', 'DRT_ERR_REFUSED']);
  assert.equal(app.idle, true);
});

test('without a callback the request comes as a promise', async () => {
  const { app, engine } = await connected();
  const accepted = app.request('sip:a@b.example', { method: 'OPTIONS' });
  const refused = app.request('sip:a@b.example', { method: 'OPTIONS' });
  await turns();
  engine.accept(engine.commands[0], {}, request('OPTIONS'));
  engine.refuse(engine.commands[1], 'no');
  assert.equal((await accepted).method, 'OPTIONS');
  await assert.rejects(refused, { message: 'no' });
  assert.equal(app.request('sip:a@b.example', { method: 'OPTIONS' }, () => {}), undefined);
});

test('a refusal that nobody awaits does no harm', async (t) => {
  const unhandled = t.mock.fn();
  process.on('unhandledRejection', unhandled);
  t.after(() => process.off('unhandledRejection', unhandled));
  const { app, engine } = await connected();
  app.request('sip:a@b.example', { method: 'OPTIONS' });
  await turns();
  engine.refuse(engine.commands[0], 'no');
  await turns();
  assert.equal(unhandled.mock.callCount(), 0);
});

test('a request before the engine has started is sent when it has', async (t) => {
  let start;
  t.mock.method(FakeEngine, 'outcome', () => new Promise((resolve) => {
    start = () => resolve({ hostports: ['udp/127.0.0.1:5060'] });
  }));
  const app = drachtio().connect();
  app.request('sip:a@b.example', { method: 'OPTIONS' }, () => {});
  await turns();
  assert.deepEqual(FakeEngine.last.commands, []);
  start();
  await turns();
  assert.deepEqual(FakeEngine.last.commands.map(startLine), ['OPTIONS sip:a@b.example SIP/2.0']);
});

test('a request before an engine that does not start gets its error', async (t) => {
  t.mock.method(FakeEngine, 'outcome', () => Promise.reject(Object.assign(new Error('taken'), { code: 'EADDRINUSE' })));
  const app = drachtio().connect({}, () => {});
  const err = await new Promise((resolve) => {
    app.request('sip:a@b.example', { method: 'OPTIONS' }, resolve);
  });
  assert.equal(err.code, 'EADDRINUSE');
});

test('a request before connect is an error', () => {
  assert.throws(() => drachtio().request('sip:a@b.example', { method: 'OPTIONS' }), {
    message: 'cannot call app#request in unconnected state',
    code: 'DRT_ERR_NOT_CONNECTED',
  });
});

test('arguments that cannot be meant are errors', async () => {
  const { app } = await connected();
  const uri = 'sip:a@b.example';
  assert.throws(() => app.request(), { message: 'undefined is not a valid request_uri or options object.' });
  assert.throws(() => app.request(42), { message: '42 is not a valid request_uri or options object.' });
  for (const args of [[{ uri }], [uri], [uri, () => {}], [{ uri, method: 1 }]]) {
    assert.throws(() => app.request(...args), { name: 'TypeError', message: /Cannot read properties of undefined \(reading 'toUpperCase'\)/ });
  }
  assert.throws(() => app.request({ method: 'OPTIONS' }), { code: 'DRT_ERR_INVALID_REQUEST_URI' });
  assert.throws(() => app.request({ uri, method: 'OPT IONS' }), { code: 'DRT_ERR_INVALID_METHOD' });
  for (const auth of ['u:p', {}, { username: 'u' }, { username: 'u', password: 1 }]) {
    assert.throws(() => app.request({ uri, method: 'OPTIONS', auth }), { code: 'DRT_ERR_INVALID_OPTION', message: /'auth'/ });
  }
  for (const option of ['proxy', 'stackTxnId', 'stackDialogId']) {
    assert.throws(() => app.request({ uri, method: 'OPTIONS', [option]: 'a\r\nb' }), { code: 'DRT_ERR_INVALID_OPTION', message: new RegExp(option) });
  }
  assert.throws(() => app.request({ uri, method: 'OPTIONS', proxy: 'sip:a|b' }), { code: 'DRT_ERR_INVALID_OPTION' });
});

test('uac of an agent is its request', async () => {
  const { app, engine } = await connected();
  app.client.uac({ uri: 'sip:a@b.example', method: 'OPTIONS' }, () => {});
  await turns();
  assert.deepEqual(engine.commands.map(startLine), ['OPTIONS sip:a@b.example SIP/2.0']);
});
