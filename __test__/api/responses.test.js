'use strict';
// `for await (const res of req.responses())`, and signals that end a request.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, request, response, startLine, turns } = require('./support/harness');

async function sent(options = {}, method = 'INVITE') {
  const { app, engine } = await connected();
  const sending = app.request({ uri: 'sip:bob@10.0.0.9', method, ...options });
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T1' }, request(method));
  const answer = (status, more) => engine.receive(response(status, 'R', { method, ...more }), { txn: 'T1', dialog: 'D1' });
  return { app, engine, answer, req: await sending };
}

async function collect(responses) {
  const statuses = [];
  for await (const res of responses) statuses.push(res.status);
  return statuses;
}

test('the loop gets every response and ends after the final one', async () => {
  const { req, answer } = await sent();
  answer(100);
  const collected = collect(req.responses());
  answer(180);
  await turns();
  answer(486);
  assert.deepEqual(await collected, [100, 180, 486]);
  assert.deepEqual(await collect(req.responses()), []);
});

test('a loop that begins after the final response gets what nobody has listened to', async () => {
  const { req, answer } = await sent();
  answer(180);
  answer(200);
  await turns();
  assert.deepEqual(await collect(req.responses()), [180, 200]);
});

test('a loop that is left early listens no more', async () => {
  const { req, answer } = await sent();
  answer(180);
  for await (const res of req.responses()) {
    assert.equal(res.status, 180);
    break;
  }
  assert.equal(req.listenerCount('response'), 0);
  answer(200);
  assert.deepEqual(await collect(req.responses()), [200]);
});

test('a request that is repeated with credentials goes on in the same loop', async () => {
  const { req, engine } = await sent({ auth: { username: 'u', password: 'p' } }, 'OPTIONS');
  const collected = collect(req.responses());
  engine.receive(response(401, 'No', { method: 'OPTIONS', headers: { 'WWW-Authenticate': 'Digest realm="r", nonce="n"' } }), { txn: 'T1' });
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T2' }, request('OPTIONS', { seq: 2 }));
  engine.receive(response(200, 'OK', { method: 'OPTIONS', seq: 2 }), { txn: 'T2' });
  assert.deepEqual(await collected, [200]);
  assert.deepEqual(await collect(req.responses()), []);
});

test('the end of the engine is the end of the loop, and an event', async () => {
  const { app, req } = await sent();
  const lost = [];
  req.on('lost', (err) => lost.push(err.code));
  const collected = collect(req.responses());
  await app.disconnect();
  await assert.rejects(collected, { code: 'DRT_ERR_DISCONNECTED' });
  assert.deepEqual(lost, ['DRT_ERR_DISCONNECTED']);
});

test('only the responses to a request that was sent can be waited for', async () => {
  let received;
  const { engine } = await connected((app) => app.use((req) => {
    received = req;
  }));
  engine.receive(request('OPTIONS'));
  assert.throws(() => received.responses(), { code: 'DRT_ERR_WRONG_SIDE', message: 'Request#responses can only be used for uac Request' });
});

test('a signal cancels an INVITE and ends the loop; then it is forgotten', async () => {
  const controller = new AbortController();
  const { req, engine, answer } = await sent({ signal: controller.signal });
  const collected = collect(req.responses());
  answer(180);
  controller.abort();
  await assert.rejects(collected, { name: 'AbortError' });
  await turns();
  const commands = engine.drain();
  assert.deepEqual(commands.map(({ head, text }) => [head, text.slice(0, 6)]), [['T1||', 'CANCEL']]);
});

test('a signal that comes after the final response does nothing', async () => {
  const controller = new AbortController();
  const { engine, answer } = await sent({ signal: controller.signal });
  answer(200);
  controller.abort();
  await turns();
  assert.deepEqual(engine.drain(), []);
});

test('a signal cancels what an INVITE was repeated as', async () => {
  const controller = new AbortController();
  const { engine } = await sent({ signal: controller.signal, auth: { username: 'u', password: 'p' } });
  engine.receive(response(401, 'No', { headers: { 'WWW-Authenticate': 'Digest realm="r", nonce="n"' } }), { txn: 'T1' });
  controller.abort();
  await turns();
  engine.accept(engine.drain()[0], { txn: 'T2' }, request('INVITE', { seq: 2 }));
  await turns();
  assert.deepEqual(engine.drain().map(({ head }) => head), ['T2||']);
});

test('a signal that has come already keeps the request back', async () => {
  const { app, engine } = await connected();
  await assert.rejects(app.request({ uri: 'sip:a@b', method: 'INVITE', signal: AbortSignal.abort() }), { name: 'AbortError' });
  const told = [];
  app.request({ uri: 'sip:a@b', method: 'OPTIONS', signal: AbortSignal.abort() }, (...args) => told.push(args));
  await turns();
  assert.deepEqual(told.map(([err, ...rest]) => [err.name, rest]), [['AbortError', []]]);
  assert.deepEqual(engine.drain(), []);
});

test('a signal that comes while the request is on its way to the engine rejects, and cancels it', async () => {
  const controller = new AbortController();
  const { app, engine } = await connected();
  const sending = app.request({ uri: 'sip:a@b', method: 'INVITE', signal: controller.signal });
  await turns();
  controller.abort();
  engine.accept(engine.drain()[0], { txn: 'T1' }, request('INVITE'));
  await assert.rejects(sending, { name: 'AbortError' });
  await turns();
  assert.deepEqual(engine.drain().map(startLine), ['CANCEL sip:bob@127.0.0.1 SIP/2.0']);
});

test('another request is not cancelled, but waited for no longer', async () => {
  const controller = new AbortController();
  const { req, engine } = await sent({ signal: controller.signal }, 'OPTIONS');
  const collected = collect(req.responses());
  controller.abort(new Error('enough'));
  await assert.rejects(collected, { message: 'enough' });
  await turns();
  assert.deepEqual(engine.drain(), []);
});

test('what is no signal is an error', async () => {
  const { app } = await connected();
  assert.throws(() => app.request({ uri: 'sip:a@b', method: 'INVITE', signal: {} }), { code: 'DRT_ERR_INVALID_OPTION', message: /'signal'/ });
});

test('an application is disposed of by disconnecting', async () => {
  const { app, engine } = await connected();
  await app[Symbol.asyncDispose]();
  assert.equal(engine.closed, true);
});

test('when every fork is wanted the loop goes on after the first one has accepted, for as long as another one may', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { req, answer } = await sent({ forks: 'all' });
  const collected = collect(req.responses());
  answer(180);
  answer(200);
  await turns();
  t.mock.timers.tick(31_999);
  answer(202);
  // A loop that begins in between gets what comes from then on.
  const later = collect(req.responses());
  answer(200);
  await turns();
  t.mock.timers.tick(1);
  assert.deepEqual(await collected, [180, 200, 202, 200]);
  assert.deepEqual(await later, [200]);
  assert.deepEqual(await collect(req.responses()), []);
});

test('when every fork is wanted the loop ends at once if all have refused, if the engine ends, and inside a dialog', async () => {
  const refused = await sent({ forks: 'all' });
  const statuses = collect(refused.req.responses());
  refused.answer(486);
  assert.deepEqual(await statuses, [486]);

  const ended = await sent({ forks: 'all' });
  const before = collect(ended.req.responses());
  ended.answer(200);
  await turns();
  await ended.app.disconnect();
  assert.deepEqual(await before, [200]);

  const inDialog = await sent({ forks: 'all', stackDialogId: 'D1' });
  const one = collect(inDialog.req.responses());
  inDialog.answer(200);
  assert.deepEqual(await one, [200]);
});
