'use strict';
// RFC 3311: an UPDATE that comes before the INVITE of its dialog is answered is an event of that INVITE.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, request, response, startLine, turns } = require('./support/harness');

const update = (overrides) => request('UPDATE', { seq: 2, ...overrides });

/** An application with an INVITE that rings, and what became of each UPDATE. */
async function ringing(listen, prepare = () => {}) {
  const seen = [];
  let invite;
  const { app, engine } = await connected((a) => {
    a.invite((req, res) => {
      if (listen) req.on('update', (...args) => seen.push(args));
      res.send(180);
      invite = res;
    });
    a.update((req, res, next) => {
      seen.push('handler');
      next();
    });
    prepare(a);
  });
  engine.receive(request('INVITE'), { txn: 'T1', dialog: '' });
  await turns();
  engine.drain();
  return { app, engine, seen, invite };
}

test('the INVITE that was received emits update, with the request and its response', async () => {
  const { engine, seen } = await ringing(true);
  engine.receive(update(), { txn: 'T2', dialog: 'D1' });
  const [[req, res]] = seen;
  assert.deepEqual([req.method, req.get('cseq'), res.req], ['UPDATE', '2 UPDATE', req]);
  res.send(200);
  await turns();
  assert.deepEqual(engine.drain().map(startLine), ['SIP/2.0 200 OK']);
});

test('the INVITE that was sent emits update', async () => {
  const { app, engine } = await connected();
  const sent = app.request({ uri: 'sip:bob@10.0.0.9', method: 'INVITE' });
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T1' }, request('INVITE'));
  const heard = [];
  (await sent).on('update', (req) => heard.push(req.get('from')));
  const reversed = { headers: { From: '<sip:bob@10.0.0.9>;tag=b1', To: '<sip:alice@127.0.0.1>;tag=a1' } };
  engine.receive(update(reversed), { txn: 'T2', dialog: 'D1' });
  assert.deepEqual(heard, ['<sip:bob@10.0.0.9>;tag=b1']);
  engine.receive(response(200, 'OK'), { txn: 'T1' });
  engine.receive(update(reversed), { txn: 'T3', dialog: 'D1' });
  assert.equal(heard.length, 1);
});

test('an UPDATE of another call, or after the answer, goes to the handlers', async () => {
  const { engine, seen, invite } = await ringing(true);
  engine.receive(update({ callId: 'other' }), { txn: 'T2', dialog: 'D2' });
  assert.deepEqual(seen, ['handler']);
  invite.send(200);
  engine.receive(update(), { txn: 'T3', dialog: 'D1' });
  assert.deepEqual(seen, ['handler', 'handler']);
});

test('an UPDATE that nobody takes is answered 500 with Retry-After', async () => {
  const { engine, seen } = await ringing(false);
  engine.receive(update(), { txn: 'T2', dialog: 'D1' });
  await turns();
  assert.deepEqual(seen, ['handler']);
  const [{ text }] = engine.drain();
  assert.match(text, /^SIP\/2\.0 500 Server Internal Error\r\nRetry-After: 5\r\n/);
});
