'use strict';
// What an application passes on cannot become more headers, another start line or another command.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, drachtio, request, startLine, turns } = require('./support/harness');

const EVIL_VALUES = ['a\r\nX-Evil: 1', 'a\nX-Evil: 1', 'a\rb', 'a\0b', ['ok', 'a\r\nX-Evil: 1'], '\r\n'];
const EVIL_NAMES = ['X-A: 1\r\nX-Evil', 'X A', 'X\r\n', '', 'X:A', 'Grüße', 'X-A '];

test('a line break in a header of a request is an error', async () => {
  const { app, engine } = await connected();
  const send = (headers) => app.request('sip:a@b.example', { method: 'OPTIONS', headers }, assert.fail);
  for (const value of EVIL_VALUES) assert.throws(() => send({ 'X-A': value }), { name: 'TypeError', code: 'DRT_ERR_INVALID_HEADER', message: /X-A/ });
  for (const name of EVIL_NAMES) assert.throws(() => send({ [name]: 1 }), { code: 'DRT_ERR_INVALID_HEADER' }, name);
  await turns();
  assert.deepEqual(engine.commands, []);
});

test('a line break in the start line of a request is an error', async () => {
  const { app } = await connected();
  for (const uri of ['sip:a@b.example\r\nX-Evil: 1', 'sip:a@b.example SIP/2.0', '', 'sip:a b@c', 'sip:a\0@b']) {
    assert.throws(() => app.request(uri, { method: 'OPTIONS' }), { code: 'DRT_ERR_INVALID_REQUEST_URI' }, uri);
  }
  assert.throws(() => app.request('sip:a@b.example', { method: 'OPTIONS\r\nX: y' }), { code: 'DRT_ERR_INVALID_METHOD' });
});

test('a line break in a response is an error, and the request can still be answered', async () => {
  const { engine } = await connected((app) => app.invite((req, res) => {
    for (const value of EVIL_VALUES) assert.throws(() => res.send(200, { headers: { 'X-A': value } }), { code: 'DRT_ERR_INVALID_HEADER' });
    for (const name of EVIL_NAMES) assert.throws(() => res.send(200, { headers: { [name]: 1 } }), { code: 'DRT_ERR_INVALID_HEADER' });
    for (const value of EVIL_VALUES) assert.throws(() => res.set('X-A', value), { code: 'DRT_ERR_INVALID_HEADER' });
    for (const name of EVIL_NAMES) assert.throws(() => res.set(name, 1), { code: 'DRT_ERR_INVALID_HEADER' });
    assert.throws(() => res.send(200, 'OK\r\nX-Evil: 1'), { code: 'DRT_ERR_INVALID_HEADER' });
    res.msg.headers['X-B'] = 'a\r\nX-Evil: 1';
    assert.throws(() => res.send(200), { code: 'DRT_ERR_INVALID_HEADER' });
    delete res.msg.headers['X-B'];
    res.send(200);
  }));
  engine.receive(request('INVITE'));
  await turns();
  assert.deepEqual(engine.commands.map(({ text }) => text), ['SIP/2.0 200 OK\r\n\r\n']);
});

test('a handler that copies a bad header fails with a 500', async (t) => {
  t.mock.method(console, 'error', () => {});
  const { engine } = await connected((app) => app.invite((req, res) => res.send(200, { headers: { 'X-A': 'a\r\nb' } })));
  engine.receive(request('INVITE'));
  await turns();
  assert.deepEqual(engine.commands.map(startLine), ['SIP/2.0 500 Server Internal Error']);
});

test('a header that was folded on the wire can be passed on as it is', async () => {
  const { app, engine } = await connected((a) => a.use((req) => {
    a.request('sip:a@b.example', { method: 'OPTIONS', headers: { Subject: req.get('subject'), 'X-A': req.headers['X-A'] } }, () => {});
  }));
  engine.receive(request('MESSAGE', { headers: { Subject: 'two\r\n  lines', 'X-A': 'a\r\n\tb' } }));
  await turns();
  assert.match(engine.commands[0].text, /\r\nSubject: two lines\r\nX-A: a b\r\n\r\n$/);
  assert.equal(app.idle, false);
});

test('headers of an ACK and a CANCEL are looked at as well', async () => {
  const { app, engine } = await connected();
  const promise = app.request('sip:a@b.example', { method: 'INVITE' });
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T1' }, request('INVITE'));
  const req = await promise;
  assert.throws(() => req.cancel({ headers: { Reason: 'a\r\nb' } }), { code: 'DRT_ERR_INVALID_HEADER' });
  const res = new Promise((resolve) => {
    req.on('response', (r, ack) => resolve(assert.throws(() => ack({ headers: { 'X-A': 'a\r\nb' } }), { code: 'DRT_ERR_INVALID_HEADER' })));
  });
  engine.receive(request('INVITE').replace(/^.*\r\n/, 'SIP/2.0 200 OK\r\n'), { txn: 'T1' });
  await res;
  assert.deepEqual(engine.drain(), []);
});

test('SipMessage.set looks at names and values', () => {
  const msg = new drachtio.SipMessage();
  for (const value of EVIL_VALUES) assert.throws(() => msg.set('X-A', value), { code: 'DRT_ERR_INVALID_HEADER' });
  for (const name of EVIL_NAMES) assert.throws(() => msg.set({ [name]: 1 }), { code: 'DRT_ERR_INVALID_HEADER' });
  assert.deepEqual(Object.keys(msg.headers), []);
});
