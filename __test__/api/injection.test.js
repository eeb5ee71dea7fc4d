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

test('a line break in whatever a proxied request is told is an error', async () => {
  const uri = 'sip:a@b.example';
  const { engine } = await connected((app) => app.invite((req) => {
    for (const evil of ['sip:a@b\r\nX-Evil: 1', 'sip:a@b\nX-Evil: 1', 'sip:a@b\0', 'sip:a@b|sip:c@d', 'sip:a@b c']) {
      for (const destination of [evil, [evil], [[uri, evil]], { uri: evil }, { uri, via: evil }, { uri, via: [uri, evil] }, { uri, transport: evil }]) {
        assert.throws(() => req.proxy({ destination }), { code: 'DRT_ERR_INVALID_OPTION' }, JSON.stringify(destination));
      }
      assert.throws(() => req.proxy(evil), { code: 'DRT_ERR_INVALID_OPTION' });
    }
    assert.throws(() => req.proxy({ destination: { uri, via: '<sip:a@b>\r\nX-Evil: 1' } }), { code: 'DRT_ERR_INVALID_OPTION' });
    for (const time of ['1s\r\nX-Evil: 1', '1s|sip:evil']) assert.throws(() => req.proxy({ destination: uri, finalTimeout: time }), { code: 'DRT_ERR_INVALID_OPTION' });
    for (const value of EVIL_VALUES) {
      for (const option of ['headers', 'setHeaders']) {
        assert.throws(() => req.proxy({ destination: uri, [option]: { 'X-A': value } }), { code: 'DRT_ERR_INVALID_HEADER' });
      }
      assert.throws(() => req.proxy({ destination: { uri, headers: { 'X-A': value } } }), { code: 'DRT_ERR_INVALID_HEADER' });
    }
    for (const name of EVIL_NAMES) {
      for (const option of ['headers', 'setHeaders']) {
        assert.throws(() => req.proxy({ destination: uri, [option]: { [name]: 1 } }), { code: 'DRT_ERR_INVALID_HEADER' }, name);
      }
      assert.throws(() => req.proxy({ destination: uri, removeHeaders: name }), { code: 'DRT_ERR_INVALID_HEADER' }, name);
    }
  }));
  engine.receive(request('INVITE'));
  await turns();
  assert.deepEqual(engine.commands, []);
});

test('a line break in where and for what a request is sent is an error', async () => {
  const { app, engine } = await connected();
  for (const evil of ['sip:a@b\r\nX-Evil: 1', 'sip:a@b|x', 'a\0']) {
    for (const option of ['proxy', 'stackTxnId']) {
      assert.throws(() => app.request('sip:a@b.example', { method: 'OPTIONS', [option]: evil }, assert.fail), { code: 'DRT_ERR_INVALID_OPTION' }, option);
    }
  }
  assert.throws(() => app.request({ method: 'INFO', stackDialogId: 'a\r\nX-Evil: 1' }, assert.fail), { code: 'DRT_ERR_INVALID_OPTION' });
  await turns();
  assert.deepEqual(engine.commands, []);
});

test('a user whose name has a line break sends no credentials, and the challenge is the answer', async (t) => {
  const mistakes = [];
  process.setUncaughtExceptionCaptureCallback((err) => mistakes.push(err.code));
  t.after(() => process.setUncaughtExceptionCaptureCallback(null));
  const { app, engine } = await connected();
  const statuses = [];
  app.request('sip:a@b.example', { method: 'OPTIONS', auth: { username: 'u\r\nX-Evil: 1', password: 'p' } }, (_err, req) => {
    req.on('response', (res) => statuses.push(res.status));
  });
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T1' }, request('OPTIONS'));
  engine.receive(request('OPTIONS', { headers: { 'WWW-Authenticate': 'Digest realm="r", nonce="n"' } }).replace(/^.*\r\n/, 'SIP/2.0 401 No\r\n'), { txn: 'T1' });
  await turns();
  assert.deepEqual([engine.drain(), statuses], [[], [401]]);
  assert.deepEqual(mistakes, ['DRT_ERR_INVALID_HEADER']);
});

test('a realm with a line break makes no challenge but an error', async (t) => {
  t.mock.method(console, 'error', () => {});
  const { engine } = await connected((app) => app.use(drachtio.digestAuth({ realm: () => 'a"\r\nX-Evil: 1', passwords: {} })));
  engine.receive(request('INVITE'));
  await turns(6);
  assert.deepEqual(engine.commands.map(startLine), ['SIP/2.0 500 Server Internal Error']);
});

test('SipMessage.set looks at names and values', () => {
  const msg = new drachtio.SipMessage();
  for (const value of EVIL_VALUES) assert.throws(() => msg.set('X-A', value), { code: 'DRT_ERR_INVALID_HEADER' });
  for (const name of EVIL_NAMES) assert.throws(() => msg.set({ [name]: 1 }), { code: 'DRT_ERR_INVALID_HEADER' });
  assert.deepEqual(Object.keys(msg.headers), []);
});
