'use strict';
// app.inject: a request without an engine or a socket.

const test = require('node:test');
const assert = require('node:assert/strict');
const drachtio = require('../..');

test('the final response, and the provisional ones before it', async () => {
  const app = drachtio();
  app.invite((req, res) => {
    res.send(180);
    res.send(183, { headers: { 'X-A': '1' } });
    res.send(200, { headers: { Contact: '<sip:app@127.0.0.1>' }, body: 'v=0 é' });
  });
  const { status, reason, headers, body, message, provisional, proxied } = await app.inject('invite', { headers: { 'X-B': 2 } });
  assert.deepEqual([status, reason, body, headers.contact, proxied], [200, 'OK', 'v=0 é', '<sip:app@127.0.0.1>', undefined]);
  assert.deepEqual(provisional.map((one) => [one.status, one.get('x-a')]), [[180, undefined], [183, '1']]);
  assert.match(message.get('to'), /^<sip:app@127\.0\.0\.1>;tag=/);
  assert.equal(message.get('cseq'), '1 INVITE');
});

test('the request is what it says', async () => {
  const seen = [];
  const app = drachtio((req, res) => {
    seen.push([req.method, req.uri, req.get('x-b'), req.get('from'), req.body, req.source_address, req.source_port, req.protocol, req.stackDialogId, req.source]);
    res.send(200);
  });
  await app.inject('INFO', {
    uri: 'sip:bob@example.com', headers: { 'X-B': [2, 'é'], from: '<sip:me@h>;tag=1' }, body: 'hé', dialogId: 'D1', address: '10.0.0.9', port: 5070, protocol: 'tcp',
  });
  assert.deepEqual(seen.pop(), ['INFO', 'sip:bob@example.com', '2,é', '<sip:me@h>;tag=1', 'hé', '10.0.0.9', 5070, 'tcp', 'D1', 'network']);
  const text = 'MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:x@y>;tag=2\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 7 MESSAGE\r\n\r\nhi';
  for (const request of [text, new drachtio.SipMessage(text)]) {
    const { message } = await app.inject(request);
    assert.deepEqual([message.get('call-id'), message.get('cseq'), message.get('via')], ['c', '7 MESSAGE', 'SIP/2.0/UDP h;branch=z9hG4bK1']);
    assert.deepEqual(seen.pop().slice(0, 5), ['MESSAGE', 'sip:a@b', undefined, '<sip:x@y>;tag=2', 'hi']);
  }
});

test('callbacks, promises and the function for the ACK are called, and the ACK comes', async () => {
  const seen = [];
  const app = drachtio();
  app.invite(async (req, res) => {
    const ringing = await res.send(180);
    seen.push(ringing.status);
    res.send(200, {}, (err, msg) => seen.push([err, msg.status, res.stackDialogId === `${req.get('call-id')};from-tag=t`]), (ack) => seen.push(ack.method));
  });
  app.ack((req) => seen.push(['ack', req.stackDialogId.includes(';from-tag=')]));
  assert.equal((await app.inject('INVITE', { headers: { From: '<sip:a@b>;tag=t' } })).status, 200);
  assert.deepEqual(seen, [180, [null, 200, true], 'ACK', ['ack', true]]);
});

test('what nobody takes, and what fails, has its usual answer', async (t) => {
  t.mock.method(console, 'error', () => {});
  const app = drachtio();
  app.bye(() => {
    throw Object.assign(new Error('no'), { status: 503 });
  });
  assert.equal((await app.inject('OPTIONS')).status, 404);
  assert.equal((await app.inject('PRACK')).status, 200);
  assert.equal((await app.inject('UPDATE')).headers['retry-after'], '5');
  assert.deepEqual([(await app.inject('BYE')).status, (await app.inject('BYE')).reason], [503, 'Service Unavailable']);
  assert.deepEqual(await app.inject('ACK'), { status: 0, reason: '', headers: {}, body: '', message: undefined, provisional: [], proxied: undefined });
});

test('a second final response is refused', async () => {
  const app = drachtio();
  const seen = [];
  app.options((req, res) => {
    res.send(200);
    res.send(500, (err) => seen.push(err.code));
  });
  assert.equal((await app.inject('OPTIONS')).status, 200);
  assert.deepEqual(seen, ['DRT_ERR_FINAL_ALREADY_SENT']);
});

test('a request that is proxied is answered by its destinations', async () => {
  const results = [];
  const app = drachtio(async (req) => {
    results.push(await req.proxy({ destination: ['sip:a@1.2.3.4', 'sip:b@1.2.3.4', 'sip:c@1.2.3.4'], forking: req.get('x-forking') }));
  });
  const status = { 'sip:a@1.2.3.4': 486, 'sip:b@1.2.3.4': 200, 'sip:c@1.2.3.4': 200 };
  const proxied = (destination) => status[destination];
  const serial = await app.inject('INVITE', { proxied });
  assert.deepEqual([serial.status, serial.proxied], [200, ['sip:a@1.2.3.4', 'sip:b@1.2.3.4']]);
  const all = await app.inject('INVITE', { proxied, headers: { 'X-Forking': 'simultaneous' } });
  assert.deepEqual([all.status, all.proxied.length], [200, 3]);
  const busy = await app.inject('INVITE', { proxied: () => 486 });
  assert.deepEqual([busy.status, busy.reason], [486, 'Busy Here']);
  assert.deepEqual(results.map(({ connected, finalStatus }) => [connected, finalStatus]), [[true, 200], [true, 200], [false, 486]]);
});

test('a caller who gives up cancels an INVITE', async () => {
  const controller = new AbortController();
  const seen = [];
  const app = drachtio();
  app.invite((req, res) => {
    req.on('cancel', (cancel) => seen.push(cancel.method));
    res.send(180, () => controller.abort());
  });
  const { status, provisional } = await app.inject('INVITE', { signal: controller.signal });
  assert.deepEqual([status, provisional.length, seen], [487, 1, ['CANCEL']]);
});

test('any other request is waited for no longer', async () => {
  const controller = new AbortController();
  const app = drachtio(() => setImmediate(() => controller.abort()));
  await assert.rejects(app.inject('OPTIONS', { signal: controller.signal }), { name: 'AbortError' });
  await assert.rejects(app.inject('OPTIONS', { signal: controller.signal }), { name: 'AbortError' });
});

test('an option that is not known is an error', async () => {
  await assert.rejects(drachtio().inject('OPTIONS', { header: {} }), { code: 'DRT_ERR_INVALID_OPTION', message: /^inject: unknown option 'header'; known here: uri, / });
});

test('what is no request is an error', async () => {
  await assert.rejects(drachtio().inject({}), { code: 'DRT_ERR_INVALID_ARGUMENT' });
  await assert.rejects(drachtio().inject('not a\r\nrequest'), { code: 'DRT_ERR_INVALID_MESSAGE' });
  await assert.rejects(drachtio().inject('INFO', { headers: { 'X-A': 'a\r\nb' } }), { code: 'DRT_ERR_INVALID_HEADER' });
  await assert.rejects(drachtio().inject('INFO', { body: 'x'.repeat(70_000) }), { code: 'DRT_ERR_INVALID_ARGUMENT' });
});

test('it needs no connection, and leaves none', async () => {
  const app = drachtio((req, res) => res.send(200));
  await app.inject('OPTIONS');
  assert.deepEqual([app.client, app.idle], [undefined, undefined]);
});

test('one signal may end any number of requests', async (t) => {
  const warn = t.mock.method(process, 'emitWarning', () => {}).mock;
  const controller = new AbortController();
  const app = drachtio(() => {});
  const given = Array.from({ length: 20 }, () => app.inject('OPTIONS', { signal: controller.signal }));
  await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  const ends = await Promise.allSettled(given);
  assert.deepEqual(ends.map(({ status }) => status), Array(20).fill('rejected'));
  assert.deepEqual(warn.calls, []);
});
