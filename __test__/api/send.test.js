'use strict';
// Sending responses.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, drachtio, request, response, startLine, headerLines, bodyOf, turns } = require('./support/harness');

/** The commands that a handler makes of one INVITE. */
async function sentBy(handler, text = request('INVITE')) {
  const result = {};
  const { app, engine } = await connected((a) => a.use((req, res) => {
    Object.assign(result, { req, res });
    return handler(res, req);
  }));
  engine.receive(text);
  await turns();
  return Object.assign(result, { app, engine, commands: engine.drain() });
}

const lineOf = async (...args) => startLine((await sentBy((res) => res.send(...args))).commands[0]);

test('the reason is the usual one, or the one that is given', async () => {
  assert.equal(await lineOf(180), 'SIP/2.0 180 Ringing');
  assert.equal(await lineOf(183), 'SIP/2.0 183 Session in Progress');
  assert.equal(await lineOf(500), 'SIP/2.0 500 Server Internal Error');
  assert.equal(await lineOf(606), 'SIP/2.0 606 Not Acceptable');
  assert.equal(await lineOf(181, 'Custom'), 'SIP/2.0 181 Custom');
  assert.equal(await lineOf(480, undefined, {}), 'SIP/2.0 480 Temporarily Unavailable');
  assert.equal(await lineOf(480, null, {}), 'SIP/2.0 480 Temporarily Unavailable');
  assert.equal(await lineOf(607, 'Unwanted'), 'SIP/2.0 607 Unwanted');
});

test('a status that is no status is an error, and nothing is sent', async () => {
  const { commands } = await sentBy((res) => {
    for (const status of [[], '200', 101, 607, 199.5, undefined, 99, 700]) {
      assert.throws(() => res.send(status), {
        message: 'Response#send: status is required and must be a valid sip response code',
        code: 'DRT_ERR_INVALID_STATUS',
      });
    }
    for (const status of [0, 99, 700, 199.5, '200']) assert.throws(() => res.send(status, 'Reason'), { code: 'DRT_ERR_INVALID_STATUS' });
    assert.equal(res.finalResponseSent, false);
  });
  assert.deepEqual(commands, []);
});

test('every form of the arguments is understood', async () => {
  const options = { headers: { 'X-A': 1 }, body: 'b' };
  const forms = [
    (res) => res.send(200),
    (res, cb) => res.send(200, cb),
    (res, cb, ack) => res.send(200, cb, ack),
    (res) => res.send(200, 'R'),
    (res, cb) => res.send(200, 'R', cb),
    (res, cb, ack) => res.send(200, 'R', cb, ack),
    (res) => res.send(200, options),
    (res, cb) => res.send(200, options, cb),
    (res, cb, ack) => res.send(200, options, cb, ack),
    (res, cb, ack) => res.send(200, options, undefined, ack),
    (res) => res.send(200, 'R', options),
    (res, cb) => res.send(200, 'R', options, cb),
    (res, cb, ack) => res.send(200, 'R', options, cb, ack),
    (res) => res.send(200, undefined, options),
    (res, cb, ack) => res.send(200, null, options, cb, ack),
  ];
  for (const form of forms) {
    const text = form.toString();
    const called = [];
    const { engine, commands } = await sentBy((res) => {
      form(res, (err, msg) => called.push([err, msg.status]), () => called.push('ack'));
    });
    assert.equal(startLine(commands[0]), `SIP/2.0 200 ${text.includes("'R'") ? 'R' : 'OK'}`, text);
    assert.deepEqual(headerLines(commands[0]), text.includes('options') ? ['X-A: 1'] : [], text);
    assert.equal(bodyOf(commands[0]), text.includes('options') ? 'b' : '', text);
    engine.accept(commands[0], { dialog: 'D' });
    engine.receive(request('ACK'), { dialog: 'D' });
    assert.deepEqual(called, [...(text.match(/, cb[,)].*=>.*cb/) ? [[null, 200]] : []), ...(text.match(/ack\)$/) ? ['ack'] : [])], text);
  }
});

test('the callback gets the message as it was sent, and the response knows how it went', async () => {
  let told;
  const { engine, res, commands } = await sentBy((r) => r.send(200, (err, msg) => {
    told = [err, msg, r.source, r.stackDialogId, r.source_address];
  }));
  assert.equal(res.stackTxnId, 'txn-1');
  engine.accept(commands[0], { dialog: 'DLG', address: '10.0.0.9' }, response(200, 'OK'));
  const [err, msg, ...meta] = told;
  assert.equal(err, null);
  assert.ok(msg instanceof drachtio.SipMessage);
  assert.equal(msg.getParsedHeader('to').params.tag, 'b1');
  assert.deepEqual(meta, ['application', 'DLG', '10.0.0.9']);
});

test('a refusal is an Error whose text is the bare text', async () => {
  let told;
  const { engine, commands } = await sentBy((res) => res.send(200, (err) => {
    told = err;
  }));
  engine.refuse(commands[0], 'Response not sent due to unknown transaction', 'DRT_ERR_UNKNOWN_TRANSACTION');
  assert.ok(told instanceof Error);
  assert.equal(String(told), 'Response not sent due to unknown transaction');
  assert.equal(told.code, 'DRT_ERR_UNKNOWN_TRANSACTION');
});

test('headers and body of one response are not in the next', async () => {
  const { commands } = await sentBy((res) => {
    res.send(180, { headers: { 'X-A': 1 }, body: 'one' });
    res.send(183, { headers: { 'X-A': 2 } });
    res.send(200);
  });
  assert.deepEqual(commands.map(headerLines), [['X-A: 1'], ['X-A: 2'], []]);
  assert.deepEqual(commands.map(bodyOf), ['one', '', '']);
});

test('headers that are set are in every response; those of one message stand for them in it', async () => {
  const { commands } = await sentBy((res) => {
    assert.equal(res.set('X-A', 1), res);
    res.setHeader('Supported', ['timer', 'path']);
    res.set({ 'x-b': 'b' });
    res.send(180);
    res.send(200, { headers: { 'x-a': 2 } });
  });
  assert.deepEqual(commands.map(headerLines), [['X-A: 1', 'supported: timer,path', 'x-b: b'], ['supported: timer,path', 'x-b: b', 'x-a: 2']]);
});

test('a header with several values is appended to, one with a single value is replaced', async () => {
  const { commands } = await sentBy((res) => {
    res.set('X-A', 1).set('x-a', 2).set('Expires', 60).set('expires', 90);
    res.send(200);
  });
  assert.deepEqual(headerLines(commands[0]), ['X-A: 1,2', 'expires: 90']);
});

test('what the engine copies from the request is not sent, but is there to be read', async () => {
  const { res, commands } = await sentBy((r) => {
    assert.equal(r.msg.headers['call-id'], 'cid-1');
    assert.equal(r.get('CSeq'), '1 INVITE');
    assert.equal(r.has('via'), false);
    r.send(200);
  });
  assert.deepEqual(headerLines(commands[0]), []);
  assert.equal(res.getParsedHeader('from').params.tag, 'a1');
});

test('the To tag can be chosen, for one message or for all', async () => {
  const to = '<sip:bob@127.0.0.1>;tag=mine';
  const { commands } = await sentBy((res) => {
    res.send(180, { headers: { To: to } });
    res.set('to', to);
    res.send(200);
  });
  assert.deepEqual(commands.map(headerLines), [[`To: ${to}`], [`to: ${to}`]]);
});

test('a body that is set on the response is sent', async () => {
  const { commands } = await sentBy((res) => {
    res.body = 'v=0';
    res.send(183);
    res.send(200, { body: 'v=1' });
  });
  assert.deepEqual(commands.map(bodyOf), ['v=0', 'v=1']);
});

test('one final response is sent; another is an error of the callback, and does not throw', async () => {
  let err;
  const { commands } = await sentBy((res) => {
    res.send(200);
    res.send(486);
    res.send(180, (e) => {
      err = e;
    });
    assert.equal(err, undefined);
  });
  assert.deepEqual(commands.map(startLine), ['SIP/2.0 200 OK']);
  assert.equal(String(err), 'Response#send: final response already sent');
  assert.equal(err.code, 'DRT_ERR_FINAL_ALREADY_SENT');
});

test('a final response sets the flags at once, and emits end at once and finish later', async () => {
  const events = [];
  await sentBy((res) => {
    res.on('end', (what) => events.push(['end', what]));
    res.on('finish', (...args) => events.push(['finish', ...args]));
    res.send(180);
    assert.deepEqual([res.finished, res.headersSent, res.finalResponseSent], [false, false, false]);
    assert.deepEqual(events, []);
    res.send(486);
    assert.deepEqual([res.finished, res.headersSent, res.finalResponseSent], [true, true, true]);
    assert.deepEqual(events, [['end', { status: 486, reason: 'Busy Here' }]]);
    assert.equal(res.status, 486);
  });
  assert.deepEqual(events, [['end', { status: 486, reason: 'Busy Here' }], ['finish']]);
});

test('what a finish listener throws does not keep finish from other responses', async (t) => {
  const uncaught = t.mock.fn();
  process.setUncaughtExceptionCaptureCallback(uncaught);
  t.after(() => process.setUncaughtExceptionCaptureCallback(null));
  const finished = [];
  const { engine } = await connected((app) => app.use((req, res) => {
    res.on('finish', () => {
      finished.push(res.stackTxnId);
      throw new Error(res.stackTxnId);
    });
    res.send(200);
  }));
  for (const txn of ['T1', 'T2']) engine.receive(request('MESSAGE'), { txn });
  await turns();
  assert.deepEqual(finished, ['T1', 'T2']);
  assert.deepEqual(uncaught.mock.calls.map(({ arguments: [err] }) => err.message), ['T1', 'T2']);
});

test('a final response that the engine finds malformed leaves the request to be answered', async () => {
  const { engine, commands } = await sentBy((res) => {
    res.send(200, { headers: { Contact: '<' } }, () => res.send(500, 'Own'));
  });
  engine.refuse(commands[0], 'Unknown server error sending response: Contact', 'DRT_ERR_MALFORMED_RESPONSE');
  await turns();
  assert.deepEqual(engine.drain().map(startLine), ['SIP/2.0 500 Own']);
});

test('when nobody is told that a final response was malformed, the request is answered 500', async (t) => {
  const log = t.mock.method(console, 'error', () => {}).mock;
  const { engine, commands } = await sentBy((res) => res.send(200, { headers: { Contact: '<' } }));
  engine.refuse(commands[0], 'Unknown server error sending response: Contact', 'DRT_ERR_MALFORMED_RESPONSE');
  await turns();
  const [answer] = engine.drain();
  assert.equal(startLine(answer), 'SIP/2.0 500 Server Internal Error');
  assert.equal(log.callCount(), 1);
  engine.refuse(answer, 'Unknown server error sending response', 'DRT_ERR_MALFORMED_RESPONSE');
  await turns();
  assert.deepEqual(engine.drain(), []);
});

test('a response that belongs to no request is an error', () => {
  assert.throws(() => new drachtio.Response().send(200), { code: 'DRT_ERR_INVALID_ARGUMENT' });
});

test('a BYE that the engine has sent by itself is told, and answering it sends nothing', async () => {
  const told = [];
  const { engine } = await connected((app) => app.bye((req, res) => {
    told.push(req.source, req.stackDialogId, req.get('reason'));
    res.send(200, (err) => told.push(err));
  }));
  const bye = request('BYE', { headers: { Reason: 'SIP ;cause=200 ;text="ACK timeout"' } });
  engine.receive(bye, { source: 'application', txn: 'unsolicited', dialog: 'D1' });
  await turns();
  assert.deepEqual(told, ['application', 'D1', 'SIP ;cause=200 ;text="ACK timeout"', null]);
  assert.deepEqual(engine.drain(), []);
});
