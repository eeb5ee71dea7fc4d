'use strict';
// What becomes of a request that no handler answers.

const test = require('node:test');
const assert = require('node:assert/strict');
const { bodyOf, connected, drachtio, headerLines, request, startLine, turns } = require('./support/harness');

/** The start lines sent for a request of this method. */
async function answers(method, prepare = (app) => app.use((req, res, next) => next())) {
  const { engine } = await connected(prepare);
  engine.receive(request(method));
  await turns();
  return engine.commands;
}

/** Keeps what the application writes to the console from the report, and returns it. */
function silence(t) {
  return t.mock.method(console, 'error', () => {}).mock;
}

test('a request is answered 404, and the answer names the transaction', async () => {
  const [command, ...rest] = await answers('INVITE');
  assert.deepEqual(rest, []);
  assert.equal(command.kind, 3);
  assert.equal(command.head, 'txn-1||');
  assert.equal(startLine(command), 'SIP/2.0 404 Not Found');
  assert.deepEqual(headerLines(command), []);
  assert.equal(bodyOf(command), '');
});

test('a PRACK is answered 200', async () => {
  assert.deepEqual((await answers('PRACK')).map(startLine), ['SIP/2.0 200 OK']);
});

test('an ACK and a CANCEL are not answered', async () => {
  assert.deepEqual(await answers('ACK'), []);
  assert.deepEqual(await answers('CANCEL'), []);
});

test('an ACK whose handler fails is not answered either', async (t) => {
  const log = silence(t);
  assert.deepEqual(await answers('ACK', (app) => app.ack(() => assert.fail('broken'))), []);
  assert.equal(log.callCount(), 1);
});

test('an error becomes its status, or 500', async (t) => {
  silence(t);
  const cases = [
    [new Error('plain'), 'SIP/2.0 500 Server Internal Error'],
    [Object.assign(new Error('busy'), { status: 503 }), 'SIP/2.0 503 Service Unavailable'],
    ['oops', 'SIP/2.0 500 Server Internal Error'],
    [{ status: 486 }, 'SIP/2.0 486 Busy Here'],
    [{ status: 200 }, 'SIP/2.0 500 Server Internal Error'],
    [{ status: '486' }, 'SIP/2.0 500 Server Internal Error'],
    [{ status: 4711 }, 'SIP/2.0 500 Server Internal Error'],
  ];
  for (const [err, line] of cases) {
    assert.deepEqual((await answers('INVITE', (app) => app.use((req, res, next) => next(err)))).map(startLine), [line]);
  }
});

test('a SipError is an answer and no failure: nothing is written to the console', async (t) => {
  const errors = t.mock.method(console, 'error', () => {});
  const { engine } = await connected((app) => app
    .invite(() => {
      throw new drachtio.SipError(486, 'Not now');
    })
    .info((req, res, next) => next(new drachtio.SipError(480))));
  engine.receive(request('INVITE'), { txn: 'T1' });
  engine.receive(request('INFO'), { txn: 'T2' });
  await turns();
  assert.deepEqual(engine.drain().map(startLine), ['SIP/2.0 486 Not now', 'SIP/2.0 480 Temporarily Unavailable']);
  assert.equal(errors.mock.callCount(), 0);
  const err = new drachtio.SipError(486);
  assert.deepEqual([err.name, err.message, err.status, err.reason, err instanceof drachtio.DrachtioError], ['SipError', 'Sip non-success response: 486', 486, undefined, true]);
});

test('an error that no handler takes is written to the console once', async (t) => {
  const log = silence(t);
  await answers('INVITE', (app) => app.use((req, res, next) => next(new Error('nobody handles me'))));
  assert.equal(log.callCount(), 1);
  assert.match(log.calls[0].arguments[0], /nobody handles me/);
});

test('a handler that answers and calls next sends one response', async () => {
  const prepare = (app) => app.invite((req, res, next) => {
    res.send(486);
    next();
  });
  assert.deepEqual((await answers('INVITE', prepare)).map(startLine), ['SIP/2.0 486 Busy Here']);
});

test('a handler that has the request proxied and calls next sends no response', async () => {
  const commands = await answers('INVITE', (app) => app.invite((req, res, next) => {
    req.proxy({ destination: 'sip:a@b.example' }, () => {});
    next();
  }));
  assert.deepEqual(commands.map(({ kind }) => kind), [4]);
});

test('a handler that fails after it has answered sends nothing more, and the error is seen', async (t) => {
  const log = silence(t);
  const commands = await answers('INVITE', (app) => app.invite((req, res) => {
    res.send(200);
    throw new Error('too late');
  }));
  assert.deepEqual(commands.map(startLine), ['SIP/2.0 200 OK']);
  assert.equal(log.callCount(), 1);
});
