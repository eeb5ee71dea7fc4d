'use strict';
// Handlers that are async functions: a rejection is an error like any other.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, request, startLine, turns } = require('./support/harness');

test('a rejection becomes a 500', async (t) => {
  const log = t.mock.method(console, 'error', () => {}).mock;
  const { engine } = await connected((app) => app.invite(async () => {
    await turns(1);
    throw new Error('rejected');
  }));
  engine.receive(request('INVITE'));
  await turns(6);
  assert.deepEqual(engine.commands.map(startLine), ['SIP/2.0 500 Server Internal Error']);
  assert.match(log.calls[0].arguments[0], /rejected/);
});

test('a rejection goes to the handlers of errors', async () => {
  const { engine } = await connected((app) => {
    app.invite(() => Promise.reject(Object.assign(new Error('no'), { status: 603 })));
    app.use(async (err, req, res, _next) => {
      await turns(1);
      res.send(err.status);
    });
  });
  engine.receive(request('INVITE'));
  await turns(6);
  assert.deepEqual(engine.commands.map(startLine), ['SIP/2.0 603 Decline']);
});

test('a rejection without a reason is an error all the same', async (t) => {
  t.mock.method(console, 'error', () => {});
  const { engine } = await connected((app) => app.invite(() => Promise.reject()));
  engine.receive(request('INVITE'));
  await turns();
  assert.deepEqual(engine.commands.map(startLine), ['SIP/2.0 500 Server Internal Error']);
});

test('a handler of errors that is rejected leaves the request to the default reply', async (t) => {
  t.mock.method(console, 'error', () => {});
  const { engine } = await connected((app) => {
    app.invite((req, res, next) => next(new Error('first')));
    app.use((err, req, res, _next) => Promise.reject(Object.assign(new Error('second'), { status: 503 })));
  });
  engine.receive(request('INVITE'));
  await turns();
  assert.deepEqual(engine.commands.map(startLine), ['SIP/2.0 503 Service Unavailable']);
});

test('an async handler answers after it has waited', async () => {
  const { engine } = await connected((app) => app.options(async (req, res) => {
    await turns(2);
    res.send(200);
  }));
  engine.receive(request('OPTIONS'));
  assert.deepEqual(engine.commands, []);
  await turns(6);
  assert.deepEqual(engine.commands.map(startLine), ['SIP/2.0 200 OK']);
});

test('what fails because the application disconnects is not written to the console', async (t) => {
  const log = t.mock.method(console, 'error', () => {}).mock;
  const { app, engine } = await connected((a) => a.invite((req) => req.proxy({ destination: 'sip:a' })));
  engine.receive(request('INVITE'));
  await turns();
  await app.disconnect();
  await turns();
  assert.equal(engine.commands.length, 1);
  assert.deepEqual(log.calls, []);
});
