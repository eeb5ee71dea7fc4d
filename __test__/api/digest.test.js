'use strict';
// Answering a challenge.

const test = require('node:test');
const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { connected, request, response, startLine, headerLines, bodyOf, turns, drachtio } = require('./support/harness');
const { formatCredentials } = require('../../lib/digest_client');

const URI = 'sip:u@h.example.com';
const CREDENTIALS = { username: 'u', password: 'p' };

/** A request that has been sent and is answered with a challenge. */
async function challenged(auth, { status = 407, challenge = 'Digest realm="r1", nonce="n1"', method = 'INVITE', ...options } = {}) {
  const { app, engine } = await connected();
  const result = { app, engine, events: [] };
  app.request({ uri: URI, method, auth, headers: { 'X-A': 1, CSeq: `10 ${method}` }, ...options }, (err, req) => {
    result.req = req;
    req.on('response', (res, ack) => result.events.push({ res, ack }));
    req.on('authenticate', (retry) => {
      result.retry = retry;
    });
  });
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T1' }, request(method, { uri: URI, seq: 10, body: options.body }));
  result.challenge = (meta = { txn: 'T1' }) => {
    const name = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
    engine.receive(response(status, 'No', { method, headers: { [name]: challenge } }), meta);
  };
  result.challenge();
  await turns();
  result.commands = engine.drain();
  return result;
}

const header = (command, name) => headerLines(command).find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
const paramsOf = (value) => Object.fromEntries([...value.matchAll(/(\w+)=("[^"]*"|[^,]+)/g)].map(([, k, v]) => [k, v]));
const md5 = (...parts) => createHash('md5').update(parts.join(':')).digest('hex');

test('a 407 is answered with the same call, the next CSeq and the credentials', async () => {
  const { commands, events } = await challenged(CREDENTIALS, { body: 'v=0' });
  assert.equal(commands.length, 1);
  const [command] = commands;
  assert.equal(startLine(command), `INVITE ${URI} SIP/2.0`);
  assert.equal(header(command, 'Call-ID'), 'cid-1');
  assert.equal(header(command, 'From'), '<sip:alice@10.0.0.9>;tag=a1');
  assert.equal(header(command, 'To'), '<sip:bob@127.0.0.1>');
  assert.equal(header(command, 'CSeq'), '11 INVITE');
  assert.equal(header(command, 'X-A'), '1');
  assert.equal(bodyOf(command), 'v=0');
  const { response: digest, ...rest } = paramsOf(header(command, 'Proxy-Authorization'));
  assert.equal(digest, '"dad840b9573544e3f060a3777561f960"');
  assert.deepEqual(rest, { username: '"u"', realm: '"r1"', nonce: '"n1"', uri: `"${URI}"` });
  assert.deepEqual(events, []);
});

test('a 401 is answered by Authorization', async () => {
  const { commands } = await challenged(CREDENTIALS, { status: 401, method: 'REGISTER' });
  assert.ok(header(commands[0], 'Authorization'));
  assert.equal(header(commands[0], 'Proxy-Authorization'), undefined);
});

test('the listeners go over to the repeated request, which the authenticate event tells of', async () => {
  const result = await challenged(CREDENTIALS);
  const { app, engine, req, commands, events } = result;
  engine.accept(commands[0], { txn: 'T2' }, request('INVITE', { uri: URI, seq: 11 }));
  engine.receive(response(200, 'OK', { seq: 11 }), { txn: 'T2' });
  assert.equal(events.length, 1);
  const retry = events[0].res.req;
  assert.notEqual(retry, req);
  assert.equal(retry.stackTxnId, 'T2');
  assert.equal(result.retry, retry);
  assert.equal(app.idle, true);
});

test('a listener that comes late still hears the repeated request', async () => {
  const { engine, req, commands } = await challenged(CREDENTIALS);
  engine.accept(commands[0], { txn: 'T2' }, request('INVITE', { uri: URI, seq: 11 }));
  const late = [];
  req.on('response', (res) => late.push(res.status));
  engine.receive(response(180, 'Ringing', { seq: 11 }), { txn: 'T2' });
  assert.deepEqual(late, [180]);
});

test('the second challenge of a call is delivered', async () => {
  const { app, engine, challenge, commands, events } = await challenged(CREDENTIALS);
  engine.accept(commands[0], { txn: 'T2' }, request('INVITE', { uri: URI, seq: 11 }));
  challenge({ txn: 'T2' });
  await turns();
  assert.deepEqual(engine.drain(), []);
  assert.deepEqual(events.map(({ res }) => res.status), [407]);
  assert.equal(app.idle, true);
});

test('a function may give the credentials, later', async () => {
  let asked;
  const { engine, commands, events } = await challenged((...args) => {
    asked = args;
  });
  assert.deepEqual(commands, []);
  const [req, res, callback] = asked;
  assert.equal(req.stackTxnId, 'T1');
  assert.equal(res.status, 407);
  callback(null, 'u', 'p');
  await turns();
  assert.match(header(engine.drain()[0], 'Proxy-Authorization'), /dad840b9573544e3f060a3777561f960/);
  assert.deepEqual(events, []);
});

test('when there are no credentials the challenge is the answer', async () => {
  for (const answer of [[new Error('no')], [null], [null, 'u']]) {
    const { app, events } = await challenged((req, res, callback) => callback(...answer));
    assert.deepEqual(events.map(({ res }) => res.status), [407]);
    assert.equal(app.idle, true);
  }
});

test('a function that calls back twice gives credentials once', async () => {
  const { commands } = await challenged((req, res, callback) => {
    callback(null, 'u', 'p');
    callback(null, 'u', 'p');
  });
  assert.equal(commands.length, 1);
});

test('when a function throws, the challenge is the answer and the error is seen', async (t) => {
  const uncaught = t.mock.fn();
  process.setUncaughtExceptionCaptureCallback(uncaught);
  t.after(() => process.setUncaughtExceptionCaptureCallback(null));
  const { app, events } = await challenged(() => {
    throw new Error('no database');
  });
  assert.deepEqual(events.map(({ res }) => res.status), [407]);
  assert.equal(app.idle, true);
  assert.equal(uncaught.mock.calls[0].arguments[0].message, 'no database');
});

test('when the repeated request is refused the challenge is the answer', async () => {
  const { app, engine, commands, events } = await challenged(CREDENTIALS);
  engine.refuse(commands[0], 'no');
  assert.deepEqual(events.map(({ res }) => res.status), [407]);
  assert.equal(app.idle, true);
});

test('a challenge that cannot be answered is delivered', async () => {
  for (const challenge of ['Basic realm="r"', 'Digest realm="r", nonce="n", algorithm=MD4', 'Digest realm="r"', 'garbage', '']) {
    const { commands, events } = await challenged(CREDENTIALS, { challenge });
    assert.deepEqual([commands, events.map(({ res }) => res.status)], [[], [407]], challenge);
  }
  const { events } = await challenged(undefined);
  assert.deepEqual(events.map(({ res }) => res.status), [407]);
});

test('inside a dialog the engine sees to the identity of the request', async () => {
  const { commands } = await challenged(CREDENTIALS, { method: 'INFO', stackDialogId: 'D1', headers: { 'X-A': 1 } });
  assert.equal(commands[0].head, '||D1');
  assert.deepEqual(headerLines(commands[0]).map((line) => line.split(':')[0]), ['X-A', 'Proxy-Authorization']);
});

test('a cancel between the challenge and its answer cancels the repeated request', async () => {
  const { engine, req, commands } = await challenged(CREDENTIALS);
  req.cancel();
  await turns();
  assert.deepEqual(engine.drain(), []);
  engine.accept(commands[0], { txn: 'T2' }, request('INVITE', { uri: URI, seq: 11 }));
  await turns();
  const [cancel] = engine.drain();
  assert.equal(cancel.head, 'T2||');
  req.cancel();
  await turns();
  assert.equal(engine.drain()[0].head, 'T2||');
});

test('of several challenges the first is taken that can be answered', async () => {
  const { commands } = await challenged(CREDENTIALS, {
    challenge: ['Basic realm="x"', 'Digest realm="r9", nonce="n9", algorithm=SHA-512-256', 'Digest realm="r1", nonce="n1", algorithm=SHA-256', 'Digest realm="r2", nonce="n2"'],
  });
  const params = paramsOf(header(commands[0], 'Proxy-Authorization'));
  assert.deepEqual([params.realm, params.algorithm], ['"r1"', 'SHA-256']);
  const sha256 = (...parts) => createHash('sha256').update(parts.join(':')).digest('hex');
  assert.equal(params.response, `"${sha256(sha256('u', 'r1', 'p'), 'n1', sha256('INVITE', URI))}"`);
});

const CASE = { username: 'u', password: 'p', method: 'INVITE', uri: URI, body: 'v=0', cnonce: 'c1' };

test('qop=auth is used when it is offered, its parameters are tokens', () => {
  const value = formatCredentials({ scheme: 'Digest', realm: '"r1"', nonce: '"n1"', qop: '"auth-int, auth"', opaque: '"o"', algorithm: 'MD5' }, CASE);
  const params = paramsOf(value);
  assert.deepEqual([params.qop, params.nc, params.cnonce, params.opaque, params.algorithm], ['auth', '00000001', '"c1"', '"o"', 'MD5']);
  assert.equal(params.response, `"${md5(md5('u', 'r1', 'p'), 'n1', '00000001', 'c1', 'auth', md5('INVITE', URI))}"`);
});

test('qop=auth-int covers the body', () => {
  const { response: digest } = paramsOf(formatCredentials({ scheme: 'Digest', realm: '"r1"', nonce: '"n1"', qop: '"auth-int"' }, CASE));
  assert.equal(digest, `"${md5(md5('u', 'r1', 'p'), 'n1', '00000001', 'c1', 'auth-int', md5('INVITE', URI, md5('v=0')))}"`);
});

test('MD5-sess hashes the nonces into the secret', () => {
  const { response: digest, cnonce } = paramsOf(formatCredentials({ scheme: 'Digest', realm: '"r1"', nonce: '"n1"', algorithm: 'MD5-sess' }, CASE));
  assert.equal(cnonce, '"c1"');
  assert.equal(digest, `"${md5(md5(md5('u', 'r1', 'p'), 'n1', 'c1'), 'n1', md5('INVITE', URI))}"`);
});

test('the example of RFC 2617 §3.5 comes out', () => {
  const value = formatCredentials(
    { scheme: 'Digest', realm: '"testrealm@host.com"', nonce: '"dcd98b7102dd2f0e8b11d0f600bfb0c093"', qop: '"auth"' },
    { username: 'Mufasa', password: 'Circle Of Life', method: 'GET', uri: '/dir/index.html', body: '', cnonce: '0a4f113b' },
  );
  assert.equal(paramsOf(value).response, '"6629fae49393a05397450978507c4ef1"');
});

test('a user name is quoted so that it stays one', () => {
  const value = formatCredentials({ scheme: 'Digest', realm: '"r"', nonce: '"n"' }, { ...CASE, username: 'a"b\\c' });
  assert.match(value, /username="a\\"b\\\\c"/);
});

test('cnonces differ', () => {
  const { cnonce, ...rest } = CASE;
  assert.equal(cnonce, 'c1');
  const values = [1, 2].map(() => paramsOf(formatCredentials({ scheme: 'Digest', realm: '"r"', nonce: '"n"', qop: '"auth"' }, rest)).cnonce);
  assert.notEqual(values[0], values[1]);
});

test('the password is in nothing that an application would print', async () => {
  const { req, app } = await challenged({ username: 'u', password: 'hush-hush' });
  const { inspect } = require('node:util');
  for (const text of [JSON.stringify(req), inspect(req), String(req.msg)]) assert.doesNotMatch(text, /hush-hush/);
  assert.ok(app.client instanceof drachtio.Agent);
});
