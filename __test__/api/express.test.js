'use strict';
// What middleware written for express and passport finds on requests and responses.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, drachtio, request, startLine, headerLines, turns } = require('./support/harness');

async function withInvite(handler) {
  const { engine } = await connected((app) => app.invite((req, res) => handler(req, res)));
  engine.receive(request('INVITE', { headers: { Authorization: 'Digest username="u"' } }));
  await turns();
  return engine.drain();
}

test('statusCode, setHeader and end send one response', async () => {
  let finishes = 0;
  const commands = await withInvite((req, res) => {
    res.on('finish', () => finishes++);
    res.statusCode = 401;
    assert.equal(res.statusCode, 401);
    res.setHeader('WWW-Authenticate', ['Digest realm="r", nonce="n"']);
    assert.equal(res.getHeader('www-authenticate'), 'Digest realm="r", nonce="n"');
    res.removeHeader('X-Powered-By');
    res.end('Unauthorized');
    assert.deepEqual([res.finished, res.headersSent, res.finalResponseSent], [true, true, true]);
    assert.throws(() => res.end(), { name: 'AssertionError', message: 'call to Response#end after response is finished' });
  });
  assert.deepEqual(commands.map(startLine), ['SIP/2.0 401 Unauthorized']);
  assert.deepEqual(headerLines(commands[0]), ['www-authenticate: Digest realm="r", nonce="n"']);
  assert.equal(finishes, 1);
});

test('end without a status is the error of send', async () => {
  await withInvite((req, res) => {
    assert.throws(() => res.end(), { message: 'Response#send: status is required and must be a valid sip response code' });
    res.status = 200;
    res.end();
  });
});

test('end takes an encoding, which means nothing, and a callback', async () => {
  for (const args of [[() => {}], ['Gone', () => {}], ['Gone', 'utf8', () => {}]]) {
    const [command] = await withInvite((req, res) => {
      res.statusCode = 410;
      res.end(...args);
    });
    assert.equal(startLine(command), 'SIP/2.0 410 Gone');
  }
});

test('url is the request-URI, and headers are in lower case', async () => {
  await withInvite((req) => {
    assert.equal(req.url, req.uri);
    assert.equal(req.headers.authorization, 'Digest username="u"');
    req.url = 'sip:x@y.example';
    assert.equal(req.uri, 'sip:x@y.example');
  });
});

test('logIn without a session makes somebody the user of the request', () => {
  const req = new drachtio.Request();
  assert.equal(req.isAuthenticated(), false);
  let called = 0;
  req.logIn({ name: 'alice' }, { session: false }, (err) => {
    assert.equal(err, undefined);
    called++;
  });
  assert.equal(called, 1);
  assert.equal(req.user.name, 'alice');
  assert.equal(req.isAuthenticated(), true);
  assert.equal(req.isUnauthenticated(), false);
  req.logOut();
  assert.equal(req.isAuthenticated(), false);
});

test('logIn with a session needs passport, and a callback', () => {
  const req = new drachtio.Request();
  assert.throws(() => req.logIn({}, () => {}), { message: 'passport.initialize() middleware not in use' });
  req._passport = { instance: { _userProperty: 'account', serializeUser: (user, r, done) => done(null, user.id) } };
  assert.throws(() => req.logIn({}), { message: 'req#login requires a callback function' });
  req.logIn({ id: 7 }, () => {});
  assert.equal(req.account.id, 7);
  assert.equal(req._passport.session.user, 7);
  req.logOut();
  assert.equal(req._passport.session.user, undefined);
});

test('a user who cannot be put into the session is not logged in', () => {
  const req = new drachtio.Request();
  req._passport = { instance: { serializeUser: (user, r, done) => done(new Error('full')) } };
  let told;
  req.logIn({ id: 7 }, (err) => {
    told = err;
  });
  assert.equal(told.message, 'full');
  assert.equal(req.isAuthenticated(), false);
});
