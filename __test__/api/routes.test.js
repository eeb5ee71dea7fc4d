'use strict';
// Which requests an application asks the engine for.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, drachtio } = require('./support/harness');

const VERBS = 'invite bye register info subscribe options message notify cancel update prack ack refer publish'.split(' ');

test('each of the 14 methods has a method of the application, which returns the application', async () => {
  const { engine } = await connected((app) => {
    for (const verb of VERBS) assert.equal(app[verb](() => {}), app);
  });
  assert.deepEqual(engine.started.routes, VERBS);
});

test('a method is asked for once, in whatever case and however often it is used', async () => {
  const { app, engine } = await connected((a) => a.use('REGISTER', () => {}).register(() => {}));
  app.use('register', () => {});
  assert.deepEqual(engine.started.routes, ['register']);
  assert.deepEqual(engine.commands, []);
});

test('the beginning of a method asks for the methods that begin so', async () => {
  const { engine } = await connected((app) => app.use('in', () => {}));
  assert.deepEqual(engine.started.routes, ['invite', 'info']);
});

test('a method that SIP does not know is asked for by its name', async () => {
  const { engine } = await connected((app) => app.use('FOO', () => {}));
  assert.deepEqual(engine.started.routes, ['foo']);
});

test('a handler without a method asks for all of them', async () => {
  const { engine } = await connected((app) => app.use(() => {}));
  assert.deepEqual(engine.started.routes, VERBS);
});

test('handlers given to drachtio() are used', () => {
  const app = drachtio(() => {}, [() => {}]);
  assert.equal(app.stack.length, 2);
  assert.equal(new drachtio(() => {}).stack.length, 1);
});

test('a method that is used after connect is asked for then, and alone', async () => {
  const { app, engine } = await connected((a) => a.invite(() => {}));
  app.options(() => {});
  app.invite(() => {});
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(engine.commands.map(({ kind, head, text }) => [kind, head, text]), [[1, 'options', '']]);
});

test('a method that is not wanted any more is taken back', async () => {
  const { app, engine } = await connected((a) => a.use('in', () => {}).options(() => {}));
  assert.equal(app.removeRoute('INFO'), app);
  app.removeRoute('in');
  app.use('invite', () => {});
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(engine.commands.map(({ kind, head }) => [kind, head]), [[2, 'info'], [2, 'invite'], [1, 'invite']]);
  for (const remove of [() => app.removeRoute('bye'), () => app.client.removeRoute('bye')]) {
    assert.throws(remove, { message: 'no route request to remove for bye', code: 'DRT_ERR_NOT_ROUTED' });
  }
});

test('an agent asks for a method once', () => {
  const agent = new drachtio.Agent(() => {});
  agent.route('invite');
  assert.throws(() => agent.route('invite'), { message: 'duplicate route request for invite', code: 'DRT_ERR_DUPLICATE_ROUTE' });
});
