'use strict';
// The sharp checks of __test__/api/drop-in.test.js, under their numbers, on the engine of the process: what a peer on UDP hears, and
// what an application is told of it. Those that no engine has to do with are left to the other two files.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const drachtio = require('../..');
const { startApp } = require('./app');
const { UdpPeer, answer, request, statusOf } = require('./peer');

const { SipMessage } = drachtio;

/** An application and a peer that end with the test. */
async function stage(t, configure) {
  const { app, port } = await startApp(t, configure);
  const peer = await UdpPeer.open();
  t.after(() => peer.close());
  return { app, port, peer, uri: `sip:peer@127.0.0.1:${peer.port}` };
}

/** What the peer hears of the requests of one method. */
const heard = (peer, method) => peer.next((text) => text.startsWith(`${method} `));

/** The final response to a request of the peer's. */
async function final(peer, port, text) {
  peer.send(text, port);
  const response = await peer.next((message) => statusOf(message) >= 200);
  return response?.slice(0, response.indexOf('\r\n'));
}

const header = (text, name) => new RegExp(`^${name}: *(.*)\\r$`, 'im').exec(text)?.[1];

/** The ACK to a response of the application's. */
function ack(peer, invite, response) {
  const lines = Object.fromEntries(['Call-ID', 'From'].map((name) => [name, header(invite, name)]));
  return request(peer, 'ACK', { headers: { ...lines, To: header(response, 'to') } });
}

test('1, 3: the beginning of a method is a match; what handlers pass on is 404, and PRACK and ACK are not', async (t) => {
  const seen = [];
  const { peer, port } = await stage(t, (app) => {
    app.use('in', (req, res) => seen.push(req.method) && res.send(200));
    app.use((req, res, next) => next());
  });
  const lines = [];
  for (const method of ['INFO', 'OPTIONS', 'MESSAGE']) lines.push(await final(peer, port, request(peer, method)));
  assert.deepEqual([seen, lines], [['INFO'], ['SIP/2.0 200 OK', 'SIP/2.0 404 Not Found', 'SIP/2.0 404 Not Found']]);
});

test('4: what is thrown is a 500, or its status', async (t) => {
  t.mock.method(console, 'error', () => {});
  const { peer, port } = await stage(t, (app) => app
    .options(() => {
      throw new Error('E');
    })
    .message((req, res, next) => next(Object.assign(new Error('E'), { status: 503 })))
    .register(() => Promise.reject(new drachtio.SipError(423))));
  const lines = [];
  for (const method of ['OPTIONS', 'MESSAGE', 'REGISTER']) lines.push(await final(peer, port, request(peer, method)));
  assert.deepEqual(lines, ['SIP/2.0 500 Server Internal Error', 'SIP/2.0 503 Service Unavailable', 'SIP/2.0 423 Interval Too Brief']);
});

test('9, 10: connect returns the application and tells where it listens; a request on the line after it is sent', async (t) => {
  const peer = await UdpPeer.open();
  t.after(() => peer.close());
  const app = drachtio();
  t.after(() => app.disconnect());
  const told = new Promise((resolve) => {
    app.on('connect', (...args) => resolve(args));
  });
  assert.equal(app.connect({ contact: 'sip:127.0.0.1:0;transport=udp' }), app);
  app.request(`sip:peer@127.0.0.1:${peer.port}`, { method: 'OPTIONS' }, () => {});
  assert.match(await heard(peer, 'OPTIONS'), /^OPTIONS sip:peer@/);
  const [err, hostport, ...rest] = await told;
  assert.deepEqual([err, rest], [null, []]);
  assert.match(hostport, /^udp\/127\.0\.0\.1:\d+$/);
  assert.equal(app.get('hostport'), hostport);
});

test('11: headers in the order, case and text in which they are given; what belongs to the engine is not the application\'s', async (t) => {
  const { app, peer, uri } = await stage(t, () => {});
  const headers = { Subject: 'x', 'X-Arr': ['a', 'b'], 'Max-Forwards': 7, 'Content-Type': 'text/plain', 'Content-Length': 99, Via: 'SIP/2.0/UDP nowhere' };
  const req = await app.request(uri, { method: 'message', headers, body: 'äbc' });
  const sent = await heard(peer, 'MESSAGE');
  assert.match(sent, /\r\nSubject: x\r\nX-Arr: a,b\r\n/);
  assert.deepEqual([header(sent, 'max-forwards'), header(sent, 'content-length'), /nowhere/.test(sent)], ['7', '4', false]);
  assert.match(Buffer.from(sent, 'latin1').toString(), /\r\n\r\näbc$/);
  // The callback has the message as it was sent.
  assert.deepEqual([req.get('via'), req.get('call-id'), req.getParsedHeader('from').params.tag.length > 0], [header(sent, 'via'), header(sent, 'call-id'), true]);
});

test('12, 15, 21: a call that is made: ack sends the ACK, a request names the dialog', async (t) => {
  const { app, peer, port, uri } = await stage(t, () => {});
  const req = await app.request(uri, { method: 'INVITE', body: 'v=0\r\n' });
  const told = [];
  const done = new Promise((resolve) => {
    req.on('response', (res, acknowledge) => {
      told.push([res.status, typeof acknowledge, res.req === req]);
      if (res.status < 200) return;
      acknowledge({ headers: { 'X-A': 1 } });
      resolve(res);
    });
  });
  const invite = await heard(peer, 'INVITE');
  peer.send(answer(invite, '180 Ringing', `Contact: <${uri}>\r\n`), port);
  peer.send(answer(invite, '200 OK', `Contact: <${uri};a=b>\r\n`), port);
  const res = await done;
  const acked = await heard(peer, 'ACK');
  assert.deepEqual(told, [[180, 'function', true], [200, 'function', true]]);
  assert.deepEqual([acked.split(' ')[1], header(acked, 'x-a'), header(acked, 'to')], [`${uri};a=b`, '1', res.get('to')]);
  assert.equal(res.stackDialogId, `${req.get('call-id')};from-tag=${req.getParsedHeader('from').params.tag}`);
  const bye = app.request({ method: 'bye', stackDialogId: res.stackDialogId });
  const hungUp = await heard(peer, 'BYE');
  peer.send(answer(hungUp, '200 OK'), port);
  await once(await bye, 'response');
  assert.equal(app.idle, true);
});

test('13: what cannot be done is an error with a text and a code; then nothing is awaited', async (t) => {
  const { app } = await stage(t, () => {});
  const [err, ...rest] = await new Promise((resolve) => {
    app.request({ method: 'BYE', stackDialogId: 'no such dialog' }, (...args) => resolve(args));
  });
  assert.deepEqual([err instanceof Error, `${err}` === err.message, err.code, rest, app.idle], [true, true, 'DRT_ERR_UNKNOWN_DIALOG', [], true]);
});

test('16: ack of a reliable provisional response sends the PRACK', async (t) => {
  const { app, peer, port, uri } = await stage(t, () => {});
  const req = await app.request(uri, { method: 'INVITE', headers: { Supported: '100rel' } });
  req.on('response', (res, acknowledge) => acknowledge());
  const invite = await heard(peer, 'INVITE');
  peer.send(answer(invite, '183 Session Progress', `Require: 100rel\r\nRSeq: 77\r\nContact: <${uri}>\r\n`), port);
  const prack = await heard(peer, 'PRACK');
  assert.equal(header(prack, 'rack'), `77 ${header(invite, 'cseq')}`);
  peer.send(answer(prack, '200 OK'), port);
  peer.send(answer(invite, '486 Busy Here'), port);
});

test('17: cancel of a call that rings', async (t) => {
  const { app, peer, port, uri } = await stage(t, () => {});
  const req = await app.request(uri, { method: 'INVITE' });
  const final = new Promise((resolve) => {
    req.on('response', (res) => res.status >= 200 && resolve(res));
  });
  const invite = await heard(peer, 'INVITE');
  peer.send(answer(invite, '180 Ringing'), port);
  await once(req, 'response');
  const sent = req.cancel({ headers: { Reason: 'SIP;cause=200' } });
  const cancel = await heard(peer, 'CANCEL');
  assert.deepEqual([header(cancel, 'via'), header(cancel, 'reason')], [header(invite, 'via'), 'SIP;cause=200']);
  assert.equal((await sent).method, 'CANCEL');
  peer.send(answer(cancel, '200 OK'), port);
  peer.send(answer(invite, '487 Request Terminated'), port);
  assert.equal((await final).status, 487);
});

test('18: a challenge is answered once, with the next CSeq in the same call', async (t) => {
  const { app, peer, port, uri } = await stage(t, () => {});
  const req = await app.request(uri, { method: 'INVITE', auth: { username: 'u', password: 'p' } });
  const events = [];
  const done = new Promise((resolve) => {
    req.on('authenticate', () => events.push('authenticate')).on('response', (res) => {
      events.push(res.status);
      resolve();
    });
  });
  const challenge = 'Proxy-Authenticate: Digest realm="r1", nonce="n1"\r\n';
  const first = await heard(peer, 'INVITE');
  peer.send(answer(first, '407 Proxy Authentication Required', challenge), port);
  const second = await heard(peer, 'INVITE');
  const seq = Number(header(first, 'cseq').split(' ')[0]);
  assert.deepEqual(['call-id', 'from'].map((name) => header(second, name)), ['call-id', 'from'].map((name) => header(first, name)));
  assert.equal(header(second, 'cseq'), `${seq + 1} INVITE`);
  assert.match(header(second, 'proxy-authorization'), /^Digest username="u", realm="r1"/);
  peer.send(answer(second, '407 Proxy Authentication Required', challenge), port);
  await done;
  assert.deepEqual(events, ['authenticate', 407]);
});

test('19: a CANCEL is an event of its INVITE, and no request of its own', async (t) => {
  const seen = [];
  const { app, peer, port } = await stage(t, (a) => a
    .invite((req, res) => {
      req.on('cancel', (cancel) => seen.push(cancel.method) && a.emit('seen'));
      res.send(180);
    })
    .cancel(() => seen.push('handler')));
  const invite = request(peer, 'INVITE');
  peer.send(invite, port);
  await peer.next((text) => statusOf(text) === 180);
  const event = once(app, 'seen');
  peer.send(invite.replace(/^INVITE/, 'CANCEL').replace(/INVITE\r$/m, 'CANCEL\r'), port);
  await event;
  const statuses = [await peer.finalStatus(), await peer.finalStatus()];
  assert.deepEqual([seen, statuses.sort()], [['CANCEL'], [200, 487]]);
});

test('20, 22: responses as they are sent, and the way of express', async (t) => {
  const { peer, port } = await stage(t, (app) => app
    .invite((req, res) => {
      for (const status of [[], '200', 101, 607, 199.5]) {
        assert.throws(() => res.send(status), { message: 'Response#send: status is required and must be a valid sip response code' });
      }
      res.send(181, 'Custom');
      res.send(183, { headers: { 'X-A': '1' } });
      res.send(480, undefined, { headers: { 'X-B': '2' } });
    })
    .register((req, res) => {
      res.statusCode = 401;
      res.setHeader('WWW-Authenticate', ['Digest realm="r", nonce="n"']);
      res.end('Unauthorized');
    }));
  peer.send(request(peer, 'INVITE'), port);
  const responses = [];
  for (const status of [181, 183, 480]) responses.push(await peer.next((text) => statusOf(text) === status));
  assert.deepEqual(responses.map((text) => text.split('\r\n')[0]), ['SIP/2.0 181 Custom', 'SIP/2.0 183 Session in Progress', 'SIP/2.0 480 Temporarily Unavailable']);
  assert.deepEqual(responses.map((text) => [header(text, 'x-a'), header(text, 'x-b')]), [[undefined, undefined], ['1', undefined], [undefined, '2']]);
  peer.send(request(peer, 'REGISTER'), port);
  const unauthorized = await peer.next((text) => statusOf(text) === 401);
  assert.deepEqual([unauthorized.split('\r\n')[0], header(unauthorized, 'www-authenticate')], ['SIP/2.0 401 Unauthorized', 'Digest realm="r", nonce="n"']);
});

test('21, 24: a call that is answered: what was sent, who has acknowledged, and its records', async (t) => {
  const records = [];
  const { app, peer, port } = await stage(t, (a) => {
    for (const name of ['cdr:attempt', 'cdr:start', 'cdr:stop']) a.on(name, (...args) => records.push([name, ...args.filter((arg) => typeof arg === 'string' && !arg.includes('.'))]));
    a.invite((req, res) => {
      drachtio.onSend(res, (...args) => records.push(['sends', ...args]));
      res.send(200, { body: 'v=0\r\n', headers: { 'Content-Type': 'application/sdp' } }, (err, msg) => {
        a.emit('answered', err, msg, res.source, res.stackDialogId);
      }, (acked) => a.emit('acked', acked));
    });
    a.bye((req, res) => res.send(200));
  });
  const invite = request(peer, 'INVITE');
  const answered = once(app, 'answered');
  peer.send(invite, port);
  const ok = await peer.next((text) => statusOf(text) === 200);
  const [err, msg, source, dialogId] = await answered;
  assert.deepEqual([err, msg instanceof SipMessage, msg.get('to'), source, app.idle], [null, true, header(ok, 'to'), 'application', false]);
  const acked = once(app, 'acked');
  peer.send(ack(peer, invite, ok), port);
  assert.deepEqual([(await acked)[0].method, (await acked)[0].stackDialogId, app.idle], ['ACK', dialogId, true]);
  const stopped = once(app, 'cdr:stop');
  peer.send(request(peer, 'BYE', { headers: { 'Call-ID': header(invite, 'call-id'), From: header(invite, 'from'), To: header(ok, 'to'), CSeq: '2 BYE' } }), port);
  await stopped;
  assert.deepEqual(records.map(([name, ...rest]) => (name === 'sends' ? [name, rest[0], rest[1]] : [name, ...rest])), [
    ['cdr:attempt', 'network'],
    ['sends', 200, 'OK'],
    ['cdr:start', 'application', 'uas'],
    ['cdr:stop', 'network', 'normal-release'],
  ]);
});

test('23: proxy, one destination after the other', async (t) => {
  const { app, peer, port } = await stage(t, (a) => a.invite((req) => {
    req.proxy({ destination: a.locals.destinations, recordRoute: true, headers: { 'X-A': 'b' } }, (err, results) => a.emit('proxied', err, results));
  }));
  const [busy, free] = [await UdpPeer.open(), await UdpPeer.open()];
  t.after(() => {
    busy.close();
    free.close();
  });
  app.locals.destinations = [`127.0.0.1:${busy.port}`, `sip:free@127.0.0.1:${free.port}`];
  const proxied = once(app, 'proxied');
  peer.send(request(peer, 'INVITE'), port);
  const first = await heard(busy, 'INVITE');
  assert.deepEqual([header(first, 'x-a'), /;lr/.test(header(first, 'record-route'))], ['b', true]);
  busy.send(answer(first, '486 Busy Here'), port);
  free.send(answer(await heard(free, 'INVITE'), '200 OK', `Contact: <sip:free@127.0.0.1:${free.port}>\r\n`), port);
  assert.equal(await peer.finalStatus(), 200);
  const [err, { connected, finalStatus, responses }] = await proxied;
  assert.deepEqual([err, connected, finalStatus], [null, true, 200]);
  assert.deepEqual(responses.map((one) => [one.port, one.msgs.map(({ status }) => status)]), [[busy.port, [486]], [free.port, [200]]]);
});

test('25: a message and its parts, as they come', async (t) => {
  const { app, peer, port } = await stage(t, (a) => a.message((req, res) => {
    res.send(200);
    a.emit('here', req);
  }));
  const body = '--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b1\r\nContent-Type: a/b\r\n\r\nx\r\n--b1--\r\n';
  const headers = { 'X-Custom': 'a', Diversion: '<sip:x@y>', constructor: 'c', 'Content-Type': 'multipart/mixed;boundary=b1' };
  const here = once(app, 'here');
  peer.send(request(peer, 'MESSAGE', { uri: 'sip:5551212@127.0.0.1;transport=udp', headers, body }), port);
  const [req] = await here;
  assert.deepEqual([req.get('x-custom'), req.get('constructor'), req.headers.Diversion, req.getParsedHeader('f').uri], ['a', 'c', '<sip:x@y>', 'sip:peer@127.0.0.1']);
  assert.deepEqual(req.payload, [{ type: 'application/sdp', content: 'v=0\r\n' }, { type: 'a/b', content: 'x' }]);
  const { source, source_address: address, source_port: from, protocol, receivedOn, calledNumber, callingNumber } = req;
  assert.deepEqual({ source, address, from, protocol, receivedOn, calledNumber, callingNumber }, {
    source: 'network', address: '127.0.0.1', from: peer.port, protocol: 'udp', receivedOn: `127.0.0.1:${port}`, calledNumber: '5551212', callingNumber: 'peer',
  });
});
