'use strict';
// An agent with a function of its own in the place of an application.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { drachtio, FakeEngine, request, startLine, turns } = require('./support/harness');

async function connectedAgent(handler, ...methods) {
  const agent = new drachtio.Agent(handler);
  for (const method of methods) agent.route(method);
  assert.equal(agent.connect(), agent);
  assert.deepEqual(await once(agent, 'connect'), [null, 'udp/127.0.0.1:5060,tcp/127.0.0.1:5060']);
  return { agent, engine: FakeEngine.last };
}

test('the handler gets the requests of the methods that were asked for', async () => {
  const { agent, engine } = await connectedAgent((req, res) => res.send(req.method === 'INVITE' ? 486 : 200), 'invite');
  assert.deepEqual(engine.started.routes, ['invite']);
  agent.route('bye');
  engine.receive(request('INVITE'));
  engine.receive(request('BYE'));
  await turns();
  assert.deepEqual(engine.commands.filter(({ kind }) => kind === 1).map(({ head }) => head), ['bye']);
  assert.deepEqual(engine.commands.filter(({ kind }) => kind === 3).map(startLine), ['SIP/2.0 486 Busy Here', 'SIP/2.0 200 OK']);
});

test('the handler may be an application', async () => {
  const app = drachtio();
  app.options((req, res) => res.send(200));
  const { engine } = await connectedAgent(app);
  engine.receive(request('OPTIONS'));
  await turns();
  assert.deepEqual(engine.commands.map(startLine), ['SIP/2.0 200 OK']);
});

test('a handler that fails is a 500', async (t) => {
  t.mock.method(console, 'error', () => {});
  const { engine } = await connectedAgent(() => Promise.reject(new Error('broken')));
  engine.receive(request('OPTIONS'));
  await turns();
  assert.deepEqual(engine.commands.map(startLine), ['SIP/2.0 500 Server Internal Error']);
});

test('the handler can be changed', async () => {
  const { agent, engine } = await connectedAgent(() => assert.fail('the old one'));
  agent.set('handler', (req, res) => res.send(202));
  engine.receive(request('MESSAGE'));
  await turns();
  assert.deepEqual(engine.commands.map(startLine), ['SIP/2.0 202 Accepted']);
});

test('disconnect is an event', async () => {
  const { agent } = await connectedAgent(() => {});
  const closed = once(agent, 'close');
  await agent.disconnect();
  await closed;
  assert.equal(agent.idle, true);
});

test('a start that fails is an error event of the agent', async (t) => {
  t.mock.method(FakeEngine, 'outcome', () => Promise.reject(new Error('no')));
  const agent = new drachtio.Agent(() => {});
  agent.connect();
  await assert.rejects(once(agent, 'connect'), { message: 'no' });
});
