'use strict';
// The sharp checks of __test__/api/drop-in.test.js, under their numbers, as a client of a server: what goes over the wire, to
// the byte, and what an application is told of what comes.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connected, drachtio, told } = require('../support/client');
const { FakeServer, request, response } = require('../support/fake_drachtio_server');

const { SipMessage } = drachtio;

/** What every response copies from `request(…)`. */
const copies = (method, seq = 1) => `Call-ID: cid-1\r\ncseq: ${seq} ${method}\r\nfrom: <sip:alice@198.51.100.9>;tag=a1\r\nto: <sip:bob@127.0.0.1>\r\n`;

/** A message without a body, as it is said. */
const empty = (line, headers = '') => `${line}\r\n${headers}Content-Length: 0\r\n\r\n`;

/** The lines of all routes that were asked for, once what was asked before has been said. */
async function routes(app, peer) {
  app.request('sip:a@b', { method: 'OPTIONS' }, () => {});
  await peer.next('sip');
  return peer.said.filter(({ type }) => type === 'route').map(({ line }) => line);
}

/** What an application says to these requests. */
async function answers(t, prepare, ...texts) {
  t.mock.method(console, 'error', () => {});
  const { app, peer } = await connected(t, prepare);
  const said = [];
  for (const [i, text] of texts.entries()) {
    peer.deliver(text, { txn: `T${i}` });
    said.push(await peer.next('sip'));
  }
  return { app, peer, said, lines: said.map(({ text }) => text.slice(0, text.indexOf('\r\n'))) };
}

/** A request of the application's that has been sent. */
async function sent(t, options, echo) {
  const { app, peer } = await connected(t);
  const sending = app.request(options);
  const said = await peer.next('sip');
  peer.accept(said, { txn: 'T1' }, echo);
  return { app, peer, said, req: await sending };
}

test('1: the beginning of a method is a match; the server is asked by whole names', async (t) => {
  const seen = [];
  const take = (app) => app.use('in', (req, res) => {
    seen.push(req.method);
    res.send(200);
  });
  const { app, peer, lines } = await answers(t, take, request('INVITE'), request('INFO'), request('MESSAGE'));
  assert.deepEqual([seen, lines], [['INVITE', 'INFO'], ['SIP/2.0 200 OK', 'SIP/2.0 200 OK', 'SIP/2.0 404 Not Found']]);
  assert.deepEqual(await routes(app, peer), ['route|invite', 'route|info']);
});

test('2: a method is asked for once, in whatever case', async (t) => {
  const { app, peer } = await connected(t, (a) => a.invite(() => {}).use('REGISTER', () => {}).register(() => {}));
  assert.deepEqual(await routes(app, peer), ['route|invite', 'route|register']);
});

test('3: without a handler: 404 to the byte, nothing for an ACK, 200 for a PRACK', async (t) => {
  const { peer } = await connected(t);
  peer.deliver(request('INVITE'), { txn: 'TX' });
  const said = await peer.next('sip');
  assert.deepEqual([said.line, said.text], ['sip|TX|', empty('SIP/2.0 404 Not Found', copies('INVITE'))]);
  peer.deliver(request('ACK'), { txn: 'TA' });
  peer.deliver(request('PRACK'), { txn: 'TP' });
  const next = await peer.next('sip');
  assert.deepEqual([next.line, next.text], ['sip|TP|', empty('SIP/2.0 200 OK', copies('PRACK'))]);
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

test('6: use without a handler, connected or not', async (t) => {
  const { app } = await connected(t);
  for (const args of [[], ['invite'], [[]]]) {
    assert.throws(() => app.use(...args), { name: 'TypeError', message: 'app.use() requires middleware functions' });
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

test('8: a request before connect is thrown, and none after it', async (t) => {
  const server = await FakeServer.start();
  t.after(() => server.close());
  const app = drachtio();
  t.after(() => app.disconnect());
  assert.throws(() => app.request('sip:a@b', { method: 'OPTIONS' }), { message: 'cannot call app#request in unconnected state' });
  app.connect({ host: '127.0.0.1', port: server.port, secret: 'cymru' });
  app.request('sip:a@b', { method: 'OPTIONS' }, () => {});
  assert.equal((await (await server.peer()).next('sip')).line, 'sip||');
});

test('9: connect returns the application; the event has null and the addresses, or why the server does not want it', async (t) => {
  const server = await FakeServer.start();
  t.after(() => server.close());
  for (const [secret, expected] of [['cymru', [null, 'udp/127.0.0.1:5060,tcp/127.0.0.1:5060']], ['wrong', ['failed to authenticate to server']]]) {
    const app = drachtio();
    t.after(() => app.disconnect());
    const event = told(app, 'connect');
    assert.equal(app.connect({ host: '127.0.0.1', port: server.port, secret, label: 'one' }).on('error', () => {}), app);
    assert.equal((await (await server.peer()).next('authenticate')).line, `authenticate|${secret}|one`);
    const [err, hostport] = await event;
    assert.deepEqual(err === null ? [err, hostport] : [String(err)], expected);
  }
});

test('10: a request on the line after connect is sent, once', async (t) => {
  const server = await FakeServer.start();
  t.after(() => server.close());
  const app = drachtio();
  t.after(() => app.disconnect());
  app.connect({ host: '127.0.0.1', port: server.port, secret: 'cymru' });
  app.request('sip:a@b', { method: 'OPTIONS' }, () => {});
  const peer = await server.peer();
  await peer.next('sip');
  app.request('sip:c@d', { method: 'OPTIONS' }, () => {});
  await peer.next('sip');
  assert.deepEqual(peer.said.map(({ type, text }) => `${type} ${text.split(' ', 2)[1] ?? ''}`), ['authenticate ', 'sip sip:a@b', 'sip sip:c@d']);
});

test('11: headers in the order, case and text in which they are given, and Content-Length after them', async (t) => {
  const { said } = await sent(t, { uri: 'sip:x@y', method: 'options', headers: { 'User-Agent': 'x', 'X-Arr': ['a', 'b'], 'Max-Forwards': 7 }, body: 'abc' }, request('OPTIONS'));
  assert.deepEqual([said.line, said.text], ['sip||', 'OPTIONS sip:x@y SIP/2.0\r\nUser-Agent: x\r\nX-Arr: a,b\r\nMax-Forwards: 7\r\nContent-Length: 3\r\n\r\nabc']);
});

test('11: Content-Length is in bytes, and not the application\'s to say', async (t) => {
  const headers = { 'content-length': 99, Subject: 'lunch', l: '1' };
  const { said } = await sent(t, { uri: 'sip:x@y', method: 'MESSAGE', headers, body: 'äöü' }, request('MESSAGE'));
  assert.equal(said.text, 'MESSAGE sip:x@y SIP/2.0\r\nSubject: lunch\r\nContent-Length: 6\r\n\r\näöü');
});

test('12: a request in a dialog, with its method in any case', async (t) => {
  const { said } = await sent(t, { method: 'bye', stackDialogId: 'D9' }, request('BYE'));
  assert.deepEqual([said.line, said.text], ['sip||D9', empty('BYE sip:placeholder SIP/2.0')]);
});

test('13: a refusal has the text, or the usual one; then nothing is awaited', async (t) => {
  const { app, peer } = await connected(t);
  for (const [tokens, expected] of [[['Internal server error'], 'Internal server error'], [[], 'request failed']]) {
    const args = new Promise((resolve) => {
      app.request('sip:a@b', { method: 'OPTIONS' }, (...all) => resolve(all));
    });
    peer.reply(await peer.next('sip'), 'NOK', ...tokens);
    const [err, ...rest] = await args;
    assert.deepEqual([`${err}`, ['x', err].join(''), err.message, rest, app.idle], [expected, `x${expected}`, expected, [], true]);
  }
});

test('14: arguments that cannot be meant', async (t) => {
  const { app } = await connected(t);
  assert.throws(() => app.request(), { message: 'undefined is not a valid request_uri or options object.' });
  for (const args of [[{ uri: 'sip:a@b' }], ['sip:a@b', () => {}]]) {
    assert.throws(() => app.request(...args), { name: 'TypeError', message: /^Cannot read properties of undefined \(reading 'toUpperCase'\)/ });
  }
});

test('15: a function comes with each response; that of a final one sends the ACK', async (t) => {
  const { peer, req } = await sent(t, { uri: 'sip:x@127.0.0.1', method: 'INVITE' }, request('INVITE', { uri: 'sip:x@127.0.0.1' }));
  const heard = [];
  req.on('response', (res, ack) => heard.push([res.status, typeof ack, res.req === req, res.stackDialogId]) && res.status === 200 && ack({ headers: { 'X-A': 1 }, body: 'sdp' }));
  for (const [status, reason] of [[100, 'Trying'], [180, 'Ringing'], [200, 'OK']]) peer.deliver(response(status, reason), { txn: 'T1', dialog: 'D1' });
  const ack = await peer.next('sip');
  assert.deepEqual(heard, [100, 180, 200].map((status) => [status, 'function', true, 'D1']));
  assert.deepEqual([ack.line, ack.text], ['sip||D1', 'ACK sip:x@127.0.0.1 SIP/2.0\r\nX-A: 1\r\nContent-Length: 3\r\n\r\nsdp']);
});

test('16: that of a reliable provisional response sends the PRACK', async (t) => {
  const { peer, req } = await sent(t, { uri: 'sip:x@127.0.0.1', method: 'INVITE' }, request('INVITE', { uri: 'sip:x@127.0.0.1' }));
  req.on('response', (res, ack) => ack());
  peer.deliver(response(183, 'Session Progress', { headers: { RSeq: 77 }, seq: 5 }), { txn: 'T1', dialog: 'D1' });
  const prack = await peer.next('sip');
  assert.deepEqual([prack.line, prack.text], ['sip||D1', empty('PRACK sip:x@127.0.0.1 SIP/2.0', 'RAck: 77 5 INVITE\r\n')]);
});

test('17: cancel of what was sent; of what was received it is an error', async (t) => {
  const { app, peer, req } = await sent(t, { uri: 'sip:x@127.0.0.1', method: 'INVITE' }, request('INVITE', { uri: 'sip:x@127.0.0.1' }));
  const done = new Promise((resolve) => {
    req.cancel((...args) => resolve(args));
  });
  const cancel = await peer.next('sip');
  assert.deepEqual([cancel.line, cancel.text], ['sip|T1|', empty('CANCEL sip:x@127.0.0.1 SIP/2.0')]);
  peer.accept(cancel, { txn: 'T1' }, request('CANCEL', { uri: 'sip:x@127.0.0.1' }));
  const [err, sentCancel] = await done;
  assert.deepEqual([err, sentCancel.method], [null, 'CANCEL']);
  const arrived = new Promise((resolve) => {
    app.info((received) => resolve(received));
  });
  await peer.next('route');
  peer.deliver(request('INFO'));
  assert.throws(await arrived.then((received) => () => received.cancel()), { message: 'Request#cancel can only be used for uac Request' });
});

test('18: a challenge is answered once, with the next CSeq in the same call', async (t) => {
  const auth = { username: 'u', password: 'p' };
  const { peer, req } = await sent(t, { uri: 'sip:u@h.example.com', method: 'INVITE', auth }, request('INVITE', { uri: 'sip:u@h.example.com', seq: 10 }));
  const challenge = (seq) => response(407, 'No', { headers: { 'Proxy-Authenticate': 'Digest realm="r1", nonce="n1"' }, seq });
  const events = [];
  req.on('authenticate', (retry) => events.push(`authenticate ${retry.get('cseq')}`));
  req.on('response', (res) => events.push(res.status));
  peer.deliver(challenge(10), { txn: 'T1' });
  let retry = await peer.next('sip');
  // The server acknowledges the challenge; an ACK of the application's would be one too many.
  if (retry.text.startsWith('ACK')) retry = await peer.next('sip');
  assert.equal(retry.line.startsWith('sip||'), true);
  for (const line of ['Call-ID: cid-1', 'From: <sip:alice@198.51.100.9>;tag=a1', 'CSeq: 11 INVITE']) assert.ok(retry.text.includes(`${line}\r\n`), retry.text);
  assert.match(retry.text, /\r\nProxy-Authorization: Digest username="u".*response="dad840b9573544e3f060a3777561f960"/);
  peer.accept(retry, { txn: 'T2' }, request('INVITE', { uri: 'sip:u@h.example.com', seq: 11 }));
  const second = once(req, 'authenticate');
  const [successor] = await second;
  const again = once(successor, 'response');
  peer.deliver(challenge(11), { txn: 'T2' });
  await again;
  assert.deepEqual(events, ['authenticate 11 INVITE', 407]);
});

test('19: a CANCEL is an event of its INVITE, and no request of its own', async (t) => {
  const seen = [];
  const { app, peer } = await connected(t, (a) => {
    a.invite((req) => req.on('cancel', (cancel) => seen.push(cancel.method) && a.emit('seen')));
    a.cancel(() => seen.push('handler'));
  });
  peer.deliver(request('INVITE'), { txn: 'T1' });
  const event = once(app, 'seen');
  peer.deliver(request('CANCEL'), { txn: 'T1' });
  await event;
  await routes(app, peer);
  assert.deepEqual([seen, peer.said.filter(({ text }) => text.startsWith('SIP/2.0'))], [['CANCEL'], []]);
});

test('20: what is no status, and the usual reasons', async (t) => {
  const { peer } = await connected(t, (app) => app.invite((req, res) => {
    for (const status of [[], '200', 101, 607, 199.5]) {
      assert.throws(() => res.send(status), { message: 'Response#send: status is required and must be a valid sip response code' });
    }
    res.send(180, () => {});
    res.send(181, 'Custom');
    res.send(183, {});
    res.send(480, undefined, {});
  }));
  peer.deliver(request('INVITE'), { txn: 'T1' });
  const texts = [];
  for (let i = 0; i < 4; i++) texts.push((await peer.next('sip')).text);
  assert.deepEqual(texts, ['180 Ringing', '181 Custom', '183 Session in Progress', '480 Temporarily Unavailable'].map((line) => empty(`SIP/2.0 ${line}`, copies('INVITE'))));
});

test('21: the callback of send has the message as sent, and the response knows its dialog; the ACK calls the other one', async (t) => {
  const heard = [];
  const { app, peer } = await connected(t, (a) => a.invite((req, res) => {
    res.send(200, { body: 'v=0' }, (err, msg) => a.emit('sent', err, msg, res), () => heard.push('acked') && a.emit('acked'));
  }));
  peer.deliver(request('INVITE'), { txn: 'T1' });
  const said = await peer.next('sip');
  assert.deepEqual([said.line, said.text], ['sip|T1|', `SIP/2.0 200 OK\r\n${copies('INVITE')}Content-Length: 3\r\n\r\nv=0`]);
  const done = once(app, 'sent');
  peer.accept(said, { txn: 'T1', dialog: 'DLG' }, response(200, 'OK'));
  const [err, msg, res] = await done;
  assert.deepEqual([err, msg instanceof SipMessage, msg.status, res.stackDialogId, res.source], [null, true, 200, 'DLG', 'application']);
  assert.equal(app.idle, false);
  const acked = once(app, 'acked');
  for (const txn of ['T2', 'T3']) peer.deliver(request('ACK'), { txn, dialog: 'DLG' });
  await acked;
  peer.deliver(request('INVITE', { callId: 'cid-2' }), { txn: 'T4' });
  const refused = once(app, 'sent');
  peer.reply(await peer.next('sip'), 'NOK', 'no such transaction');
  assert.equal(String((await refused)[0]), 'no such transaction');
  assert.deepEqual([heard, app.idle], [['acked'], true]);
});

test('22: the way of express', async (t) => {
  const { app, peer } = await connected(t, (a) => a.register((req, res) => a.emit('here', res)));
  const here = once(app, 'here');
  peer.deliver(request('REGISTER'), { txn: 'T1' });
  const [res] = await here;
  const finished = once(res, 'finish');
  res.statusCode = 401;
  res.setHeader('WWW-Authenticate', ['Digest realm="r", nonce="n"']);
  res.end('Unauthorized');
  assert.deepEqual([res.finished, res.headersSent, res.finalResponseSent], [true, true, true]);
  assert.throws(() => res.end(), { name: 'AssertionError', message: 'call to Response#end after response is finished' });
  const said = await peer.next('sip');
  assert.deepEqual([said.line, said.text], ['sip|T1|', empty('SIP/2.0 401 Unauthorized', `${copies('REGISTER')}www-authenticate: Digest realm="r", nonce="n"\r\n`)]);
  assert.deepEqual(await finished, []);
});

test('23: proxy', async (t) => {
  const { app, peer } = await connected(t, (a) => a.invite((req) => {
    req.proxy({
      destination: ['sip:b@127.0.0.1:5080', 'tel:+123', '1.2.3.4'],
      recordRoute: true, followRedirects: true, forking: 'simultaneous', provisionalTimeout: '2s', finalTimeout: '20s', headers: { 'X-A': 'b' },
    }, (err, results) => a.emit('proxied', err, results));
  }));
  peer.deliver(request('INVITE'), { txn: 'T' });
  const said = await peer.next('proxy');
  assert.equal(said.line, 'proxy|T|remainInDialog|fullResponse|followRedirects|simultaneous|2s|20s|sip:b@127.0.0.1:5080|tel:+123|sip:1.2.3.4');
  assert.match(said.text, /^INVITE sip:b@127\.0\.0\.1:5080 SIP\/2\.0\r\nX-A: b\r\n\r\n$/);
  const done = once(app, 'proxied');
  peer.branch(said, response(486, 'Busy Here'), { address: '127.0.0.1', port: 5081 });
  peer.branch(said, response(200, 'OK'), { address: '127.0.0.1', port: 5080 });
  peer.reply(said, 'OK', 'done');
  const [err, { connected: isConnected, finalStatus, finalResponse, responses }] = await done;
  assert.deepEqual([err, isConnected, finalStatus, Object.keys(finalResponse)], [null, true, 200, ['time', 'status', 'msg']]);
  assert.deepEqual(responses.map(({ address, port, msgs }) => [address, port, msgs.map(({ status }) => status)]), [['127.0.0.1', 5081, [486]], ['127.0.0.1', 5080, [200]]]);
});

test('24: call detail records, and onSend', async (t) => {
  const heard = [];
  const { app, peer } = await connected(t, (a) => {
    for (const name of ['attempt', 'start', 'stop']) a.on(`cdr:${name}`, (...args) => heard.push([name, ...args.slice(0, -1), args.at(-1) instanceof SipMessage]));
    a.invite((req, res) => {
      drachtio.onSend(res, (...args) => a.emit('sends', ...args));
      res.send(486);
    });
  });
  const stopped = once(app, 'cdr:stop');
  peer.record('cdr:attempt', ['network', '18:02:49.715381'], request('INVITE'));
  peer.record('cdr:start', ['network', '18:02:49.715382', 'uas'], response(200, 'OK'));
  peer.record('cdr:stop', ['network', '18:02:49.715383', 'normal-release'], request('BYE'));
  await stopped;
  assert.deepEqual(heard, [
    ['attempt', 'network', '18:02:49.715381', true],
    ['start', 'network', '18:02:49.715382', 'uas', true],
    ['stop', 'network', '18:02:49.715383', 'normal-release', true],
  ]);
  const sends = once(app, 'sends');
  peer.deliver(request('INVITE'));
  assert.deepEqual(await sends, [486, 'Busy Here', {}]);
});

test('25: a message and its parts, as they come', async (t) => {
  const { app, peer } = await connected(t, (a) => a.invite((req) => a.emit('here', req)));
  const headers = {
    v: 'SIP/2.0/TLS i', 'X-Custom': 'a', Diversion: '<sip:x@y>', m: '<sip:a@1.2.3.4>;expires=60, <sip:b@1.2.3.4>',
    'Content-Type': 'multipart/mixed;boundary=b1',
  };
  const body = '--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b1\r\nContent-Type: a/b\r\n\r\nx\r\n--b1--\r\n';
  const here = once(app, 'here');
  peer.deliver(request('INVITE', { uri: 'sip:5551212@10.0.0.1:5061;transport=tcp', headers, body }));
  const [req] = await here;
  assert.equal(req.get('via'), 'SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK1;rport,SIP/2.0/TLS i');
  assert.deepEqual(req.getParsedHeader('via').map(({ protocol, host, port }) => [protocol, host, port]), [['UDP', '198.51.100.9', 5060], ['TLS', 'i', undefined]]);
  assert.deepEqual(req.getParsedHeader('Contact').map(({ uri, params }) => [uri, params]), [['sip:a@1.2.3.4', { expires: '60' }], ['sip:b@1.2.3.4', {}]]);
  assert.deepEqual(Object.keys(req.headers), ['via', 'from', 'to', 'call-id', 'cseq', 'X-Custom', 'Diversion', 'contact', 'content-type', 'content-length']);
  assert.deepEqual(req.payload, [{ type: 'application/sdp', content: 'v=0\r\n' }, { type: 'a/b', content: 'x' }]);
  assert.deepEqual([req.calledNumber, req.callingNumber, req.canFormDialog, req.isNewInvite], ['5551212', 'alice', true, true]);
});
