'use strict';
// What applications written for drachtio 1 to 4 lean on, each in one sharp check. Where this version differs on purpose, the
// check says so.

const test = require('node:test');
const assert = require('node:assert/strict');
const { bodyOf, connected, drachtio, headerLines, request, response, startLine, turns } = require('./support/harness');

const { SipMessage, parseUri } = drachtio;

/** The first lines of what an application sends when these requests come. */
async function answers(t, prepare, ...texts) {
  t.mock.method(console, 'error', () => {});
  const { engine, app } = await connected(prepare);
  for (const [i, text] of texts.entries()) engine.receive(text, { txn: `T${i}` });
  await turns();
  return { app, engine, lines: engine.drain().map(startLine) };
}

/** A request of the application's that has been sent. */
async function sent(options, meta = {}, echo = request(options.method ?? 'INVITE')) {
  const { app, engine } = await connected();
  const callback = [];
  app.request(options, (...args) => callback.push(args));
  await turns();
  const [command] = engine.drain();
  engine.accept(command, { txn: 'T1', ...meta }, echo);
  return { app, engine, command, callback, req: callback[0]?.[1] };
}

test('1: the beginning of a method is a match', async (t) => {
  const seen = [];
  const { lines } = await answers(t, (app) => app.use('in', (req, res) => {
    seen.push(req.method);
    res.send(200);
  }), request('INVITE'), request('INFO'), request('MESSAGE'));
  assert.deepEqual([seen, lines], [['INVITE', 'INFO'], ['SIP/2.0 200 OK', 'SIP/2.0 200 OK', 'SIP/2.0 404 Not Found']]);
});

test('2: fourteen methods, which return the application; a method in any case', async () => {
  const { engine } = await connected((app) => {
    assert.equal(app.invite(() => {}), app);
    app.use('REGISTER', () => {});
  });
  assert.deepEqual(engine.started.routes, ['invite', 'register']);
  const verbs = 'invite bye register info subscribe options message notify cancel update prack ack refer publish'.split(' ');
  for (const verb of verbs) assert.equal(typeof drachtio()[verb], 'function', verb);
});

test('3: without a handler: 404, nothing for an ACK, 200 for a PRACK', async (t) => {
  const { lines } = await answers(t, () => {}, request('INVITE'), request('ACK'), request('PRACK'));
  assert.deepEqual(lines, ['SIP/2.0 404 Not Found', 'SIP/2.0 200 OK']);
});

test('4: what is thrown is a 500, or its status', async (t) => {
  const { lines } = await answers(t, (app) => app
    .invite(() => {
      throw new Error('E');
    })
    .info((req, res, next) => next(Object.assign(new Error('E'), { status: 503 })))
    .bye((req, res, next) => next('oops')), request('INVITE'), request('INFO'), request('BYE'));
  assert.deepEqual(lines, ['SIP/2.0 500 Server Internal Error', 'SIP/2.0 503 Service Unavailable', 'SIP/2.0 500 Server Internal Error']);
});

test('5: errors go to handlers with four parameters, and nothing else does', async (t) => {
  const order = [];
  await answers(t, (app) => {
    app.use((err, req, res, next) => order.push('early') && next(err));
    app.use((req, res, next) => order.push('a') && next(new Error('E')));
    app.use((req, res, next) => order.push('normal') && next());
    app.use((err, req, res, next) => order.push(`err:${err.message}`) && next());
    app.invite((req, res) => order.push('invite') && res.send(200));
  }, request('INVITE'));
  assert.deepEqual(order, ['a', 'err:E', 'invite']);
});

test('6: use without a handler', () => {
  for (const args of [[], ['invite'], [[]]]) {
    assert.throws(() => drachtio().use(...args), { name: 'TypeError', message: 'app.use() requires middleware functions' });
  }
});

test('7: arrays of any depth, and mounted applications', async (t) => {
  const order = [];
  const step = (name) => (req, res, next) => order.push(name) && next();
  const sub = drachtio(step('sub'));
  await answers(t, (app) => app
    .use('invite', [step(1), [step(2)]], step(3))
    .use('invite', sub)
    .use((req, res) => order.push(req.app === sub) && res.send(200)), request('INVITE'));
  assert.deepEqual(order, [1, 2, 3, 'sub', true]);
});

test('8: a request before connect', () => {
  assert.throws(() => drachtio().request('sip:a@b', { method: 'OPTIONS' }), /^cannot call app#request in unconnected state$/);
});

test('9: connect returns the application; the event has null and the addresses', async () => {
  const app = drachtio();
  const events = [];
  assert.equal(app.connect({ contact: 'sip:127.0.0.1' }).on('connect', (...args) => events.push(args)), app);
  await turns();
  assert.deepEqual(events, [[null, 'udp/127.0.0.1:5060,tcp/127.0.0.1:5060']]);
});

test('10: a request on the line after connect is sent', async () => {
  const { FakeEngine } = require('./support/harness');
  const app = drachtio();
  app.connect();
  app.request('sip:a@b', { method: 'OPTIONS' }, () => {});
  await turns();
  assert.deepEqual(FakeEngine.last.drain().map(startLine), ['OPTIONS sip:a@b SIP/2.0']);
});

test('11: headers in the order, case and text in which they are given', async () => {
  const { command } = await sent({ uri: 'sip:x@y', method: 'OPTIONS', headers: { 'User-Agent': 'x', 'X-Arr': ['a', 'b'], 'Max-Forwards': 7 }, body: 'abc' });
  assert.deepEqual([command.head, startLine(command)], ['||', 'OPTIONS sip:x@y SIP/2.0']);
  assert.deepEqual([headerLines(command), bodyOf(command)], [['User-Agent: x', 'X-Arr: a,b', 'Max-Forwards: 7'], 'abc']);
});

test('12: a request in a dialog, with its method in any case', async () => {
  const { command } = await sent({ method: 'bye', stackDialogId: 'D9' });
  assert.deepEqual([command.head, startLine(command)], ['||D9', 'BYE sip:placeholder SIP/2.0']);
});

test('13: a refusal has the text; here it is an Error, whose string it is', async () => {
  for (const [text, expected] of [['Internal server error', 'Internal server error'], ['', 'request failed']]) {
    const { app, engine } = await connected();
    const told = [];
    app.request('sip:a@b', { method: 'OPTIONS' }, (...args) => told.push(args));
    await turns();
    engine.refuse(engine.drain()[0], text);
    const [[err, ...rest]] = told;
    assert.deepEqual([`${err}`, err.message, err instanceof Error, rest, app.idle], [expected, expected, true, [], true]);
  }
});

test('14: arguments that cannot be meant', async () => {
  const { app } = await connected();
  assert.throws(() => app.request(), { name: 'Error', message: 'undefined is not a valid request_uri or options object.' });
  assert.throws(() => app.request({ uri: 'sip:a@b' }), { name: 'TypeError', message: /^Cannot read properties of undefined \(reading 'toUpperCase'\)/ });
});

test('15: a function comes with each response; that of a final one sends the ACK', async () => {
  const { engine, req } = await sent({ uri: 'sip:x@127.0.0.1', method: 'INVITE' }, {}, request('INVITE', { uri: 'sip:x@127.0.0.1' }));
  const acks = [];
  req.on('response', (res, ack) => acks.push([res.status, typeof ack, res.req === req]) && res.status === 200 && ack({ headers: { 'X-A': 1 }, body: 'sdp' }));
  for (const [status, reason] of [[100, 'Trying'], [180, 'Ringing'], [200, 'OK']]) engine.receive(response(status, reason), { txn: 'T1', dialog: 'D1' });
  await turns();
  const [ack] = engine.drain();
  assert.deepEqual(acks, [[100, 'function', true], [180, 'function', true], [200, 'function', true]]);
  assert.deepEqual([ack.head, startLine(ack), headerLines(ack), bodyOf(ack)], ['||D1', 'ACK sip:x@127.0.0.1 SIP/2.0', ['X-A: 1'], 'sdp']);
});

test('16: that of a reliable provisional response sends the PRACK', async () => {
  const { engine, req } = await sent({ uri: 'sip:x@127.0.0.1', method: 'INVITE' }, {}, request('INVITE', { uri: 'sip:x@127.0.0.1' }));
  req.on('response', (res, ack) => ack());
  engine.receive(response(183, 'Session Progress', { headers: { RSeq: 77 }, seq: 5 }), { txn: 'T1', dialog: 'D1' });
  await turns();
  const [prack] = engine.drain();
  assert.deepEqual([prack.head, startLine(prack), headerLines(prack)], ['||D1', 'PRACK sip:x@127.0.0.1 SIP/2.0', ['RAck: 77 5 INVITE']]);
});

test('17: cancel of what was sent; of what was received it is an error', async () => {
  const { engine, req } = await sent({ uri: 'sip:x@127.0.0.1', method: 'INVITE' }, {}, request('INVITE', { uri: 'sip:x@127.0.0.1' }));
  const told = [];
  req.cancel((...args) => told.push(args));
  await turns();
  const [cancel] = engine.drain();
  assert.deepEqual([cancel.head, startLine(cancel)], ['T1||', 'CANCEL sip:x@127.0.0.1 SIP/2.0']);
  engine.accept(cancel, { txn: 'T1' });
  assert.deepEqual([told[0][0], told[0][1].method], [null, 'CANCEL']);
  await connected((app) => app.use((received) => {
    assert.throws(() => received.cancel(), { message: 'Request#cancel can only be used for uac Request' });
  })).then(({ engine: other }) => other.receive(request('INVITE')));
});

test('18: a challenge is answered once, with the next CSeq in the same call', async () => {
  const options = { uri: 'sip:u@h.example.com', method: 'INVITE', auth: { username: 'u', password: 'p' } };
  const { engine, req } = await sent(options, {}, request('INVITE', { uri: 'sip:u@h.example.com', seq: 10 }));
  const events = [];
  const challenge = (more) => response(407, 'No', { headers: { 'Proxy-Authenticate': 'Digest realm="r1", nonce="n1"' }, seq: 10, ...more });
  req.on('authenticate', () => events.push('authenticate')).on('response', (res) => events.push(res.status));
  engine.receive(challenge(), { txn: 'T1' });
  await turns();
  const [retry] = engine.drain().filter(({ text }) => text.startsWith('INVITE'));
  const headers = headerLines(retry).join('\n');
  assert.match(headers, /^CSeq: 11 INVITE$/m);
  assert.match(headers, /^Call-ID: cid-1$/m);
  assert.match(headers, /^From: <sip:alice@10\.0\.0\.9>;tag=a1$/m);
  assert.match(headers, /^Proxy-Authorization: .*response="dad840b9573544e3f060a3777561f960"/m);
  engine.accept(retry, { txn: 'T2' }, request('INVITE', { seq: 11 }));
  engine.receive(challenge({ seq: 11 }), { txn: 'T2' });
  assert.deepEqual(events, ['authenticate', 407]);
});

test('19: a CANCEL is an event of its INVITE, and no request of its own', async () => {
  const seen = [];
  const { engine } = await connected((app) => app.invite((req) => req.on('cancel', () => seen.push('cancelled'))).cancel(() => seen.push('handler')));
  engine.receive(request('INVITE'), { txn: 'T1' });
  engine.receive(request('CANCEL'), { txn: 'T1' });
  await turns();
  assert.deepEqual([seen, engine.drain()], [['cancelled'], []]);
});

test('20: what is no status, and the usual reasons', async (t) => {
  const { lines } = await answers(t, (app) => app.invite((req, res) => {
    for (const status of [[], '200', 101, 607, 199.5]) {
      assert.throws(() => res.send(status), { message: 'Response#send: status is required and must be a valid sip response code' });
    }
    res.send(180, () => {});
    res.send(181, 'Custom');
    res.send(183, {});
    res.send(480, undefined, {});
  }), request('INVITE'));
  assert.deepEqual(lines, ['SIP/2.0 180 Ringing', 'SIP/2.0 181 Custom', 'SIP/2.0 183 Session in Progress', 'SIP/2.0 480 Temporarily Unavailable']);
});

test('21: the callback of send has the message as sent, and the response knows its dialog; the ACK calls the other one', async () => {
  const told = [];
  const acked = [];
  const { app, engine } = await connected((a) => a.invite((req, res) => {
    res.send(200, { body: 'v=0' }, (err, msg) => told.push([err, msg instanceof SipMessage, msg?.status, res.stackDialogId, res.source]), () => acked.push(1));
  }));
  engine.receive(request('INVITE'), { txn: 'T1' });
  await turns();
  engine.accept(engine.drain()[0], { dialog: 'DLG' });
  assert.equal(app.idle, false);
  engine.receive(request('ACK'), { txn: 'T2', dialog: 'DLG' });
  engine.receive(request('ACK'), { txn: 'T3', dialog: 'DLG' });
  await turns();
  assert.deepEqual([told, acked, app.idle], [[[null, true, 200, 'DLG', 'application']], [1], true]);
});

test('22: the way of express', async () => {
  let res;
  const { engine } = await connected((app) => app.register((_, given) => {
    res = given;
  }));
  engine.receive(request('REGISTER'), { txn: 'T1' });
  let finished = 0;
  res.on('finish', () => finished++);
  res.statusCode = 401;
  res.setHeader('WWW-Authenticate', ['Digest realm="r", nonce="n"']);
  res.end('Unauthorized');
  assert.deepEqual([res.finished, res.headersSent, res.finalResponseSent], [true, true, true]);
  assert.throws(() => res.end(), { name: 'AssertionError', message: 'call to Response#end after response is finished' });
  await turns();
  const [command, ...others] = engine.drain();
  assert.deepEqual([startLine(command), headerLines(command), others, finished], ['SIP/2.0 401 Unauthorized', ['www-authenticate: Digest realm="r", nonce="n"'], [], 1]);
});

test('23: proxy', async () => {
  const results = [];
  const { engine, app } = await connected((a) => a.invite((req) => {
    req.proxy({
      destination: ['sip:b@127.0.0.1:5080', 'tel:+123', '1.2.3.4'],
      recordRoute: true, followRedirects: true, forking: 'simultaneous', provisionalTimeout: '2s', finalTimeout: '20s', headers: { 'X-A': 'b' },
    }, (err, outcome) => results.push([err, outcome]));
  }));
  engine.receive(request('INVITE'), { txn: 'T' });
  await turns();
  const [command] = engine.drain();
  assert.equal(command.head, 'T|remainInDialog|fullResponse|followRedirects|simultaneous|2s|20s|sip:b@127.0.0.1:5080|tel:+123|sip:1.2.3.4');
  assert.deepEqual([startLine(command), headerLines(command)], ['INVITE sip:b@127.0.0.1:5080 SIP/2.0', ['X-A: b']]);
  engine.branch(command, response(200, 'OK'), { address: '127.0.0.1', port: 5080 });
  engine.finish(command);
  const [[err, { connected: isConnected, finalStatus, finalResponse, responses }]] = results;
  assert.deepEqual([err, isConnected, finalStatus, Object.keys(finalResponse).sort().slice(-3)], [null, true, 200, ['msg', 'status', 'time']]);
  assert.deepEqual(responses.map(({ address, port, msgs }) => [address, port, msgs.map(({ status }) => status)]), [['127.0.0.1', 5080, [200]]]);
  const sending = app.request('sip:a@b', { method: 'OPTIONS' });
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T2' });
  const own = await sending;
  assert.throws(() => own.proxy({}), { message: 'Request#proxy can only be used for incoming requests' });
});

test('24: onSend has status, reason and options', async (t) => {
  const told = [];
  await answers(t, (app) => app.invite((req, res) => {
    drachtio.onSend(res, (...args) => told.push(args));
    res.send(486);
  }), request('INVITE'));
  assert.deepEqual(told, [[486, 'Busy Here', {}]]);
  assert.throws(() => drachtio.onSend(), { name: 'TypeError', message: 'argument res is required' });
  assert.throws(() => drachtio.onSend({}), { name: 'TypeError', message: 'argument listener must be a function' });
});

test('25: a message and its parts', () => {
  const message = new SipMessage([
    'INVITE sip:5551212@10.0.0.1:5061;transport=tcp SIP/2.0',
    'Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9;rport, SIP/2.0/TCP h',
    'v: SIP/2.0/TLS i',
    'From: "Alice Smith" <sip:alice@example.com>;tag=ft1;foo="bar baz"',
    't: <sip:bob@example.com>',
    'i: c1',
    'CSeq: 314159 INVITE',
    'm: <sip:a@1.2.3.4>;expires=60, <sip:b@1.2.3.4>',
    'X-Custom: a',
    'Diversion: <sip:x@y>',
    'Content-Type: multipart/mixed;boundary=b1',
    'Content-Length: 72',
    '',
    '--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b1\r\nContent-Type: a/b\r\n\r\nx\r\n--b1--and more',
  ].join('\r\n'));
  assert.equal(message.get('via'), 'SIP/2.0/UDP 10.0.0.1:5060;branch=z9;rport, SIP/2.0/TCP h,SIP/2.0/TLS i');
  assert.deepEqual(message.getParsedHeader('via')[0], { version: '2.0', protocol: 'UDP', host: '10.0.0.1', port: 5060, params: { branch: 'z9', rport: undefined } });
  assert.deepEqual(message.getParsedHeader('via').map(({ protocol, port }) => [protocol, port]), [['UDP', 5060], ['TCP', undefined], ['TLS', undefined]]);
  assert.deepEqual(message.getParsedHeader('from'), { name: '"Alice Smith"', uri: 'sip:alice@example.com', params: { tag: 'ft1', foo: '"bar baz"' } });
  assert.deepEqual(message.getParsedHeader('cseq'), { seq: 314159, method: 'INVITE' });
  assert.deepEqual([...message.getParsedHeader('contact')], [{ name: undefined, uri: 'sip:a@1.2.3.4', params: { expires: '60' } }, { name: undefined, uri: 'sip:b@1.2.3.4', params: {} }]);
  assert.deepEqual([message.calledNumber, message.callingNumber, message.type, message.canFormDialog], ['5551212', 'alice', 'request', true]);
  assert.deepEqual(Object.keys(message.headers), ['via', 'from', 'to', 'call-id', 'cseq', 'contact', 'X-Custom', 'Diversion', 'content-type', 'content-length']);
  assert.equal(Buffer.byteLength(message.body), 72);
  assert.deepEqual(message.payload.map(({ type, content }) => [type, content.slice(0, 3)]), [['application/sdp', 'v=0'], ['a/b', 'x']]);
  const { family, scheme, schema, user, host, port, params } = parseUri(message.uri);
  assert.deepEqual({ family, scheme, schema, user, host, port, params }, { family: 'ipv4', scheme: 'sip', schema: 'sip', user: '5551212', host: '10.0.0.1', port: 5061, params: { transport: 'tcp' } });
});
