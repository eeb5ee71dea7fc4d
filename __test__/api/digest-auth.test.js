'use strict';
// RFC 3261 §22, RFC 7616, RFC 8760: middleware that asks for a password.

const test = require('node:test');
const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { setTimeout: sleep } = require('node:timers/promises');
const { connected, request, startLine, headerLines, turns, drachtio } = require('./support/harness');
const { formatCredentials } = require('../../lib/digest_client');
const { parseAuth } = require('../../lib/headers/auth');
const { unquote } = require('../../lib/headers/scan');
const { Nonces, MAX_NONCES } = require('../../lib/nonces');

const REALM = 'example.com';
const URI = 'sip:bob@127.0.0.1';
const ALICE = { username: 'alice', password: 'open sesame' };
const OPTIONS = { realm: REALM, passwords: { alice: 'open sesame' } };

/** An application behind `digestAuth`, and a caller that knows how to answer it. */
async function guarded(options = OPTIONS) {
  const through = [];
  const { engine } = await connected((app) => {
    app.use(drachtio.digestAuth(options));
    app.use((req, res) => {
      through.push(req);
      if (req.method !== 'ACK') res.send(200);
    });
    app.use((err, _req, res, next) => {
      through.push(err);
      res.send(500);
      next();
    });
  });
  let number = 0;
  const ask = async ({ method = 'REGISTER', headers = {}, dialog = '', ...rest } = {}) => {
    number += 1;
    engine.receive(request(method, { headers, ...rest }), { txn: `T${number}`, dialog });
    await turns(6);
    // A password from afar takes a while.
    for (let i = 0; i < 50 && engine.commands.every(({ kind }) => kind !== 3); i++) await sleep(2);
    const [answer] = engine.drain().filter(({ kind }) => kind === 3);
    if (answer === undefined) return undefined;
    const name = /^(WWW|Proxy)-Authenticate: /;
    const challenges = headerLines(answer).filter((line) => name.test(line)).flatMap((line) => parseAuth(line.replace(name, '')));
    const [, status, ...reason] = startLine(answer).split(' ');
    return { status: Number(status), reason: reason.join(' '), challenges, lines: headerLines(answer) };
  };
  const answer = (challenge, given = {}) => {
    const { header = 'Authorization', method = 'REGISTER', uri = URI, body = '', ...rest } = given;
    return ask({ method, body, headers: { [header]: formatCredentials(challenge, { ...ALICE, method, uri, body, ...rest }) } });
  };
  return { engine, through, ask, answer };
}

test('who has no credentials is challenged, who answers is let through', async () => {
  const { through, ask, answer } = await guarded();
  const { status, challenges } = await ask();
  assert.equal(status, 401);
  assert.deepEqual(challenges.map(({ scheme, realm, algorithm, qop }) => [scheme, realm, algorithm, qop]), [
    ['Digest', '"example.com"', 'SHA-256', '"auth"'],
    ['Digest', '"example.com"', 'MD5', '"auth"'],
  ]);
  assert.equal((await answer(challenges[0])).status, 200);
  assert.equal(through.length, 1);
  const { nonce, ...authorization } = through[0].authorization;
  assert.equal(nonce, unquote(challenges[0].nonce));
  assert.deepEqual(authorization, { username: 'alice', realm: REALM, uri: URI, algorithm: 'SHA-256', qop: 'auth', nc: 1 });
});

test('every algorithm that is offered is taken, no other', async () => {
  const algorithms = ['SHA-512-256', 'SHA-256-sess', 'SHA-256', 'MD5', 'MD5-sess'];
  const { ask, answer } = await guarded({ ...OPTIONS, algorithms, qop: ['auth-int', 'auth'] });
  const { challenges } = await ask();
  assert.deepEqual(challenges.map(({ algorithm }) => algorithm), algorithms);
  for (const [at, challenge] of challenges.entries()) assert.equal((await answer(challenge, { count: at + 1, body: 'v=0' })).status, 200);
  assert.equal((await answer({ ...challenges[0], algorithm: 'SHA-512-256-sess' }, { count: 9 })).status, 401);
});

test('the names of parameters may be written in any case', async () => {
  const { ask } = await guarded();
  const { challenges: [challenge] } = await ask();
  const credentials = formatCredentials(challenge, { ...ALICE, method: 'REGISTER', uri: URI, body: '' });
  const shouted = credentials.replace(/\b(\w+)=(?="|\w)/g, (_, name) => `${name.toUpperCase()}=`);
  assert.match(shouted, /^Digest USERNAME="alice", REALM=/);
  assert.equal((await ask({ headers: { Authorization: shouted } })).status, 200);
});

test('auth-int covers the body', async () => {
  const { ask, answer } = await guarded({ ...OPTIONS, qop: ['auth-int'] });
  const { challenges: [challenge] } = await ask();
  const credentials = formatCredentials(challenge, { ...ALICE, method: 'REGISTER', uri: URI, body: 'one' });
  assert.equal((await ask({ headers: { Authorization: credentials }, body: 'two' })).status, 401);
  assert.equal((await answer(challenge, { body: 'one' })).status, 200);
});

test('a proxy asks with 407', async () => {
  const { ask, answer } = await guarded({ ...OPTIONS, proxy: true });
  const { status, challenges, lines } = await ask();
  assert.equal(status, 407);
  assert.ok(lines[0].startsWith('Proxy-Authenticate: '));
  assert.equal((await answer(challenges[0])).status, 407);
  assert.equal((await answer(challenges[0], { header: 'Proxy-Authorization' })).status, 200);
});

test('every method is covered but those that cannot be sent again', async () => {
  const { through, ask } = await guarded();
  for (const method of ['INVITE', 'REGISTER', 'MESSAGE', 'OPTIONS', 'REFER', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH', 'INFO', 'BYE', 'UPDATE', 'PRACK']) {
    assert.equal((await ask({ method })).status, 401, method);
  }
  assert.deepEqual(through, []);
  assert.equal(await ask({ method: 'ACK' }), undefined);
  assert.equal(through.length, 1);
});

test('methods may be chosen', async () => {
  const { ask } = await guarded({ ...OPTIONS, methods: ['invite'] });
  assert.equal((await ask({ method: 'REGISTER' })).status, 200);
  assert.equal((await ask({ method: 'INVITE' })).status, 401);
});

test('a dialog that the engine knows is let through, a To tag alone is not', async () => {
  const { ask } = await guarded();
  assert.equal((await ask({ method: 'INFO', dialog: 'D1' })).status, 200);
  assert.equal((await ask({ method: 'INFO', headers: { To: '<sip:bob@127.0.0.1>;tag=made-up' } })).status, 401);
  const strict = await guarded({ ...OPTIONS, inDialog: true });
  assert.equal((await strict.ask({ method: 'INFO', dialog: 'D1' })).status, 401);
});

test('wrong credentials are challenged again, and not as stale', async () => {
  const { through, ask, answer } = await guarded();
  const { challenges: [challenge] } = await ask();
  const attempts = [{ password: 'guess' }, { username: 'mallory' }, { username: 'constructor' }, { username: '' }, { method: 'INVITE', password: 'x' }];
  for (const attempt of attempts) {
    const { status, challenges } = await answer(challenge, attempt);
    assert.deepEqual([status, challenges[0].stale], [401, undefined]);
  }
  assert.deepEqual(through, []);
});

test('credentials of another realm, without qop, or with something missing are none', async () => {
  const { ask, answer } = await guarded();
  const { challenges: [challenge] } = await ask();
  assert.equal((await answer({ ...challenge, realm: '"elsewhere"' })).status, 401);
  assert.equal((await answer({ ...challenge, qop: undefined })).status, 401);
  const right = formatCredentials(challenge, { ...ALICE, method: 'REGISTER', uri: URI, body: '' });
  for (const name of ['username', 'nonce', 'uri', 'response', 'qop', 'nc', 'cnonce']) {
    const Authorization = right.replace(new RegExp(`\\b${name}=`), `x-${name}=`);
    assert.equal((await ask({ headers: { Authorization } })).status, 401, name);
  }
  for (const Authorization of ['Basic YTpi', 'Digest', 'garbage', right.replace('nc=00000001', 'nc=1')]) {
    assert.equal((await ask({ headers: { Authorization } })).status, 401);
  }
  assert.equal((await ask({ headers: { Authorization: right } })).status, 200);
});

test('credentials for another user or host are refused', async () => {
  const { ask, answer } = await guarded();
  const { challenges: [challenge] } = await ask();
  const { status, reason } = await answer(challenge, { uri: 'sip:carol@127.0.0.1' });
  assert.deepEqual([status, reason], [400, 'Credentials For Another URI']);
  assert.equal((await answer(challenge, { uri: 'sip:bob@127.0.0.2' })).status, 400);
  assert.equal((await answer(challenge, { uri: 'sip:bob@127.0.0.1:5060;transport=tcp' })).status, 200);
  const lax = await guarded({ ...OPTIONS, checkUri: false });
  const { challenges: [other] } = await lax.ask();
  assert.equal((await lax.answer(other, { uri: 'sip:carol@127.0.0.1' })).status, 200);
});

test('a count that was used makes the nonce stale', async () => {
  const { ask, answer } = await guarded();
  const { challenges: [challenge] } = await ask();
  assert.equal((await answer(challenge, { count: 2 })).status, 200);
  for (const count of [1, 2]) {
    const { status, challenges } = await answer(challenge, { count });
    assert.deepEqual([status, challenges[0].stale], [401, 'true']);
    assert.notEqual(challenges[0].nonce, challenge.nonce);
  }
  assert.equal((await answer(challenge, { count: 3 })).status, 200);
});

test('a wrong password does not use the count up', async () => {
  const { ask, answer } = await guarded();
  const { challenges: [challenge] } = await ask();
  await answer(challenge, { password: 'guess', count: 1_000 });
  assert.equal((await answer(challenge)).status, 200);
});

test('a nonce that was not made here, or was changed, is stale', async () => {
  const { through, ask, answer } = await guarded();
  const { challenges: [challenge] } = await ask();
  const nonce = unquote(challenge.nonce);
  const changed = (nonce[0] === 'A' ? 'B' : 'A') + nonce.slice(1);
  const other = new Nonces(300_000).make(REALM);
  for (const forged of [changed, other, '', 'n1', `${nonce}A`, `${nonce}=`]) {
    const { status, challenges } = await answer({ ...challenge, nonce: `"${forged}"` });
    assert.deepEqual([status, challenges[0].stale], [401, 'true'], forged);
  }
  assert.deepEqual(through, []);
});

test('a nonce of another process is taken if the secret is the same', async () => {
  const secret = 'sixteen characters at least';
  const [one, other] = [await guarded({ ...OPTIONS, secret }), await guarded({ ...OPTIONS, secret })];
  const { challenges: [challenge] } = await one.ask();
  assert.equal((await other.answer(challenge)).status, 200);
});

test('passwords may come from a Map, a function or a promise, or be hashes', async () => {
  const md5 = createHash('md5').update(`alice:${REALM}:open sesame`).digest('hex');
  const sources = [
    new Map([['alice', 'open sesame']]),
    () => 'open sesame',
    (username, realm, req) => Promise.resolve(username === 'alice' && realm === REALM && req.method === 'REGISTER' ? 'open sesame' : undefined),
    { alice: { ha1: { MD5: md5 } } },
  ];
  for (const passwords of sources) {
    const { ask, answer } = await guarded({ realm: REALM, passwords, algorithms: ['MD5', 'MD5-sess'] });
    const { challenges } = await ask();
    assert.equal((await answer(challenges[0])).status, 200);
    assert.equal((await answer(challenges[1], { count: 2 })).status, 200);
    assert.equal((await answer(challenges[0], { count: 3, password: 'guess' })).status, 401);
  }
  const { ask, answer } = await guarded({ realm: REALM, passwords: { alice: { ha1: { MD5: md5 } } } });
  const { challenges: [sha256] } = await ask();
  assert.equal((await answer(sha256)).status, 401);
});

test('a realm may depend on the request', async () => {
  const { ask } = await guarded({ ...OPTIONS, realm: (req) => drachtio.parseUri(req.uri).host });
  assert.equal((await ask()).challenges[0].realm, '"127.0.0.1"');
});

test('a password that cannot be found is an error of the application', async () => {
  const failing = [
    () => {
      throw new Error('no database');
    },
    () => Promise.reject(new Error('no database')),
  ];
  for (const passwords of failing) {
    const { through, ask, answer } = await guarded({ realm: REALM, passwords });
    const { challenges: [challenge] } = await ask();
    assert.equal((await answer(challenge)).status, 500);
    assert.equal(through[0].message, 'no database');
  }
});

test('a nonce ages', () => {
  const nonces = new Nonces(1_000);
  const nonce = nonces.make(REALM, 5_000);
  assert.equal(nonces.isOurs(nonce, REALM), true);
  assert.equal(nonces.isOurs(nonce, 'elsewhere'), false);
  assert.equal(nonces.use(nonce, 1, 6_000), true);
  assert.equal(nonces.use(nonce, 2, 6_001), false);
});

test('nonces in use are remembered up to a limit, and those forgotten are not taken again', () => {
  const nonces = new Nonces(1_000_000);
  const first = nonces.make(REALM, 1);
  const unused = nonces.make(REALM, 1);
  assert.equal(nonces.use(first, 1, 10), true);
  for (let i = 0; i < MAX_NONCES; i++) nonces.use(nonces.make(REALM, 2), 1, 10);
  assert.equal(nonces.use(first, 1, 10), false);
  assert.equal(nonces.use(unused, 1, 10), false);
  assert.equal(nonces.use(nonces.make(REALM, 3), 1, 10), true);
});

test('a wrong option is an error that names it', () => {
  const wrong = { realm: '', passwords: 'x', algorithms: ['MD4'], qop: ['none'], methods: 'INVITE', proxy: 1, inDialog: 'no', checkUri: null, nonceLifetime: 0, secret: 'short', nonces: 1 };
  for (const [name, value] of Object.entries(wrong)) {
    assert.throws(() => drachtio.digestAuth({ ...OPTIONS, [name]: value }), { code: 'DRT_ERR_INVALID_OPTION', message: new RegExp(`'${name}'`) });
  }
  assert.throws(() => drachtio.digestAuth(), { code: 'DRT_ERR_INVALID_OPTION' });
});
