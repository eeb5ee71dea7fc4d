'use strict';
// Answering a challenge.

const test = require('node:test');
const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { connected, request, response, startLine, headerLines, bodyOf, turns, drachtio } = require('./support/harness');
const { formatCredentials } = require('../../lib/digest_client');
const { setDraft } = require('../../lib/request');

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

test('of several challenges of a realm the first is taken that can be answered', async () => {
  const { commands } = await challenged(CREDENTIALS, {
    challenge: ['Basic realm="r1"', 'Digest realm="r1", nonce="n9", algorithm=SHA-1024', 'Digest realm="r1", nonce="n1", algorithm=SHA-256', 'Digest realm="r1", nonce="n2"'],
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

test('SHA-512-256 is SHA-512/256', () => {
  const hash = (...parts) => createHash('sha512-256').update(parts.join(':')).digest('hex');
  const { response: digest } = paramsOf(formatCredentials({ scheme: 'Digest', realm: '"r1"', nonce: '"n1"', algorithm: 'SHA-512-256' }, CASE));
  assert.equal(digest, `"${hash(hash('u', 'r1', 'p'), 'n1', hash('INVITE', URI))}"`);
});

test('the examples of RFC 7616 §3.9.1 come out', () => {
  const challenge = { scheme: 'Digest', realm: '"http-auth@example.org"', nonce: '"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"', qop: '"auth, auth-int"', opaque: '"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' };
  const asked = { username: 'Mufasa', password: 'Circle of Life', method: 'GET', uri: '/dir/index.html', body: '', cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ' };
  const of = (algorithm) => paramsOf(formatCredentials({ ...challenge, algorithm }, asked)).response;
  assert.equal(of('SHA-256'), '"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"');
  assert.equal(of('MD5'), '"8ca523f5e9506fed4657c9700eebdbec"');
});

test('a user name is hidden when the server asks for that', () => {
  const params = paramsOf(formatCredentials({ scheme: 'Digest', realm: '"r1"', nonce: '"n1"', userhash: 'true' }, CASE));
  assert.equal(params.username, `"${md5('u', 'r1')}"`);
  assert.equal(params.userhash, 'true');
});

/** What becomes of a request whose repetitions are challenged, each by the next of these headers. */
async function challengedAgain(auth, ...challenges) {
  const [first, ...others] = challenges;
  const result = await challenged(auth, { status: 401, challenge: first });
  const sent = [...result.commands];
  let number = 1;
  for (const headers of others) {
    number += 1;
    result.engine.accept(sent.at(-1), { txn: `T${number}` }, request('INVITE', { uri: URI, seq: 9 + number }));
    result.engine.receive(response(401, 'No', { headers: typeof headers === 'string' ? { 'WWW-Authenticate': headers } : headers }), { txn: `T${number}` });
    await turns();
    sent.push(...result.engine.drain());
  }
  return { ...result, sent };
}

const credentialsOf = (command, name = 'Authorization') => headerLines(command).filter((line) => line.startsWith(`${name}: `)).map((line) => paramsOf(line));

test('credentials whose nonce was too old are sent again with the new one, a few times', async () => {
  const stale = (n) => `Digest realm="r1", nonce="n${n}", stale=TRUE`;
  const { sent, events } = await challengedAgain(CREDENTIALS, 'Digest realm="r1", nonce="n1"', stale(2), stale(3));
  assert.deepEqual(sent.map((command) => credentialsOf(command)[0].nonce), ['"n1"', '"n2"', '"n3"']);
  assert.deepEqual(events, []);
  const endless = await challengedAgain(CREDENTIALS, ...[1, 2, 3, 4, 5, 6].map(stale));
  assert.equal(endless.sent.length, 5);
  assert.deepEqual(endless.events.map(({ res }) => res.status), [401]);
});

test('each realm on the way gets credentials of its own, and those before are kept', async () => {
  const { sent, events } = await challengedAgain(CREDENTIALS, 'Digest realm="r1", nonce="n1", qop="auth"', { 'Proxy-Authenticate': 'Digest realm="r2", nonce="n2"' });
  assert.deepEqual(sent.map((command) => credentialsOf(command).map(({ realm, nc }) => [realm, nc])), [[['"r1"', '00000001']], [['"r1"', '00000002']]]);
  assert.deepEqual(credentialsOf(sent[1], 'Proxy-Authorization').map(({ realm }) => realm), ['"r2"']);
  assert.deepEqual(events, []);
});

test('challenges of several realms in one response are answered together', async () => {
  const { commands } = await challenged(CREDENTIALS, { status: 401, challenge: ['Digest realm="r1", nonce="n1"', 'Digest realm="r2", nonce="n2"'] });
  assert.deepEqual(credentialsOf(commands[0]).map(({ realm }) => realm), ['"r1"', '"r2"']);
});

test('a challenge that makes no sense, or has what no header may have, is the answer', async () => {
  const useless = ['Digest scheme', 'Digest SCHEME', 'Digest nonce', 'Digest realm="r\0", nonce="n"', 'Digest nonce="\0"', 'Digest nonce="n", opaque="\0"'];
  for (const challenge of [...useless, 'scheme', '"', '=', ',,', 'Digest', 'Digest =', 'Digest nonce="n", algorithm=__proto__', 'Digest nonce="n", qop="']) {
    const { commands, events } = await challenged(CREDENTIALS, { challenge });
    assert.deepEqual([commands, events.map(({ res }) => res.status)], [[], [407]], challenge);
  }
  const { commands } = await challenged(CREDENTIALS, { challenge: 'Digest realm="r1", nonce="n1", scheme=Basic, scheme, __proto__=x, constructor' });
  assert.equal(paramsOf(header(commands[0], 'Proxy-Authorization')).nonce, '"n1"');
});

test('the names of parameters may be written in any case', async () => {
  const { commands } = await challenged(CREDENTIALS, { challenge: 'DIGEST Realm="r1", NONCE="n1", Qop="auth", Algorithm=SHA-256' });
  const { realm, nonce, qop, algorithm } = paramsOf(header(commands[0], 'Proxy-Authorization'));
  assert.deepEqual([realm, nonce, qop, algorithm], ['"r1"', '"n1"', 'auth', 'SHA-256']);
});

test('credentials for a realm go to no other', async () => {
  const other = await challenged({ ...CREDENTIALS, realm: 'r1' }, { challenge: 'Digest realm="r2", nonce="n"' });
  assert.deepEqual([other.commands, other.events.map(({ res }) => res.status)], [[], [407]]);
  const right = await challenged({ ...CREDENTIALS, realm: 'r1' }, { challenge: 'Digest realm="r1", nonce="n"' });
  assert.equal(right.commands.length, 1);
});

test('credentials go to the address that asked for them', async () => {
  const head = async (meta) => {
    const result = await challenged(CREDENTIALS, { challenge: 'garbage', proxy: 'sip:proxy.example.com' });
    assert.deepEqual(result.commands, []);
    const { app, engine } = result;
    app.request({ uri: URI, method: 'INVITE', auth: CREDENTIALS, proxy: 'sip:proxy.example.com' }, () => {});
    await turns();
    engine.accept(engine.drain()[0], { txn: 'T2' }, request('INVITE', { uri: URI }));
    engine.receive(response(407, 'No', { headers: { 'Proxy-Authenticate': 'Digest realm="r1", nonce="n1"' } }), { txn: 'T2', ...meta });
    await turns();
    return engine.drain()[0].head;
  };
  assert.equal(await head({ address: '10.0.0.7', port: 5070 }), '|sip:10.0.0.7:5070;transport=udp|');
  assert.equal(await head({ address: '2001:db8::1', port: 5060, protocol: 'tcp' }), '|sip:[2001:db8::1]:5060;transport=tcp|');
  assert.equal(await head({ address: '10.0.0.7', port: 5061, protocol: 'tls' }), '|sip:proxy.example.com|');
});

test('a nonce that was accepted is used again at the same place, and only there', async () => {
  const { app, engine, commands } = await challenged(CREDENTIALS, { method: 'REGISTER', status: 401, challenge: 'Digest realm="r1", nonce="n1", qop="auth"' });
  const finish = (command, txn, headers = {}) => {
    engine.accept(command, { txn }, request('REGISTER', { uri: URI, seq: 11 }));
    engine.receive(response(200, 'OK', { method: 'REGISTER', headers }), { txn });
  };
  finish(commands[0], 'T2');
  const send = async (options) => {
    app.request({ method: 'REGISTER', auth: CREDENTIALS, ...options }, () => {});
    await turns();
    return engine.drain()[0];
  };
  const second = await send({ uri: URI });
  assert.deepEqual(credentialsOf(second).map(({ nonce, nc }) => [nonce, nc]), [['"n1"', '00000002']]);
  finish(second, 'T3', { 'Authentication-Info': 'nextnonce="n2"' });
  const third = await send({ uri: 'sip:other@h.example.com' });
  assert.deepEqual(credentialsOf(third).map(({ nonce, nc }) => [nonce, nc]), [['"n2"', '00000001']]);
  for (const options of [{ uri: 'sip:u@elsewhere.example.com' }, { uri: URI, proxy: 'sip:10.0.0.5' }, { uri: URI, auth: { username: 'v', password: 'p' } }, { uri: URI, auth: undefined }]) {
    assert.deepEqual(credentialsOf(await send(options)), []);
  }
  // A nonce that is not accepted any more is one to be replaced, not a wrong password.
  engine.accept(third, { txn: 'T4' }, request('REGISTER', { uri: URI }));
  engine.receive(response(401, 'No', { method: 'REGISTER', headers: { 'WWW-Authenticate': 'Digest realm="r1", nonce="n3"' } }), { txn: 'T4' });
  await turns();
  assert.deepEqual(credentialsOf(engine.drain()[0]).map(({ nonce }) => nonce), ['"n3"']);
});

test('nonces are not kept without end', () => {
  const { DigestClient, MAX_NONCES } = require('../../lib/digest_client');
  const client = new DigestClient();
  const res = { status: 200, get: () => undefined };
  const options = (n) => ({ uri: `sip:u@host-${n}`, method: 'REGISTER' });
  const req = (n) => {
    const made = new drachtio.Request(new drachtio.SipMessage());
    setDraft(made, { auth: CREDENTIALS, options: options(n), answered: [{ header: 'Authorization', challenge: { scheme: 'Digest', realm: '"r"', nonce: '"n"' }, count: 1, isReused: false }] });
    return made;
  };
  for (let n = 0; n <= MAX_NONCES; n++) client.answer(undefined, req(n), res, () => {});
  const isKnown = (n) => client.prepare({ head: '', text: '', auth: CREDENTIALS, options: options(n) }).answered !== undefined;
  assert.deepEqual([isKnown(0), isKnown(1), isKnown(MAX_NONCES)], [false, true, true]);
});

test('the password is in nothing that an application would print', async () => {
  const { req, app } = await challenged({ username: 'u', password: 'hush-hush' });
  const { inspect } = require('node:util');
  for (const text of [JSON.stringify(req), inspect(req), String(req.msg)]) assert.doesNotMatch(text, /hush-hush/);
  assert.ok(app.client instanceof drachtio.Agent);
});
