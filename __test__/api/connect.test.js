'use strict';
// Starting the engine.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { FakeEngine, drachtio, turns } = require('./support/harness');

const HOSTPORT = 'udp/127.0.0.1:5060,tcp/127.0.0.1:5060';

/** Lets the next engine fail to start. */
function failStart(t, err) {
  t.mock.method(FakeEngine, 'outcome', () => Promise.reject(err));
}

const taken = () => Object.assign(new Error('sip:*:5060: the address is taken'), { code: 'EADDRINUSE' });

test('connect returns the application; the event and the callback tell the addresses', async () => {
  const app = drachtio();
  const told = [];
  app.on('connect', (...args) => told.push(['event', ...args]));
  assert.equal(app.connect({}, (...args) => told.push(['callback', ...args])), app);
  assert.deepEqual(told, []);
  await turns();
  assert.deepEqual(told, [['event', null, HOSTPORT], ['callback', null, HOSTPORT]]);
  assert.equal(app.get('hostport'), HOSTPORT);
});

test('listeners may be chained after connect', async () => {
  const [err, hostport] = await new Promise((resolve) => {
    drachtio().connect().on('connect', (...args) => resolve(args)).on('error', assert.fail);
  });
  assert.equal(err, null);
  assert.equal(hostport, HOSTPORT);
});

test('connect needs no options, and takes a callback in their place', async () => {
  const hostport = await new Promise((resolve) => {
    drachtio().connect((err, hp) => resolve(hp));
  });
  assert.equal(hostport, HOSTPORT);
  assert.deepEqual(FakeEngine.last.started.contacts, [{ uri: 'sip:*;transport=udp,tcp' }]);
});

test('contact may be one or several', () => {
  drachtio().connect({ contact: 'sip:127.0.0.1:5070' });
  assert.deepEqual(FakeEngine.last.started.contacts, [{ uri: 'sip:127.0.0.1:5070' }]);
  drachtio().connect({ contact: ['sip:127.0.0.1:5070', 'sip:[::1]:5070;transport=tcp'] });
  assert.deepEqual(FakeEngine.last.started.contacts, [{ uri: 'sip:127.0.0.1:5070' }, { uri: 'sip:[::1]:5070;transport=tcp' }]);
});

test('a wrong option is an error that names it', () => {
  const wrong = (options, name) => {
    assert.throws(() => drachtio().connect(options), { code: 'DRT_ERR_INVALID_OPTION', message: new RegExp(name) });
  };
  wrong({ contract: 'sip:*' }, "'contract'");
  wrong({ methods: ['invite'] }, "'methods'");
  wrong({ contact: [] }, "'contact'");
  wrong({ contact: 5060 }, "'contact'");
  wrong({ contact: ['sip:*', ''] }, "'contact\\[1\\]'");
  wrong(null, 'options');
  wrong('sip:*', 'options');
});

test('options of a drachtio-server that is not named are refused as such', () => {
  for (const name of ['address', 'secret', 'tls', 'reconnect', 'label', 'tags', 'enablePing', 'pingInterval']) {
    assert.throws(() => drachtio().connect({ [name]: 'x' }), { code: 'DRT_ERR_INVALID_OPTION', message: new RegExp(`'${name}'.*'host' or 'port'`) });
  }
});

test('a start that fails is told to the callback', async (t) => {
  failStart(t, taken());
  const err = await new Promise((resolve) => {
    drachtio().connect({}, resolve);
  });
  assert.equal(err.code, 'EADDRINUSE');
});

test('a start that fails is an error event when there is no callback', async (t) => {
  failStart(t, taken());
  const app = drachtio().connect();
  await assert.rejects(once(app, 'connect'), { code: 'EADDRINUSE' });
});

test('an application whose start has failed can be connected again', async (t) => {
  failStart(t, taken());
  const app = drachtio();
  await new Promise((resolve) => {
    app.connect({}, resolve);
  });
  t.mock.restoreAll();
  app.invite(() => {});
  app.connect();
  await once(app, 'connect');
  assert.deepEqual(FakeEngine.last.started.routes, ['invite']);
});

test('an application is connected once at a time', () => {
  const app = drachtio().connect();
  assert.throws(() => app.connect(), { code: 'DRT_ERR_ALREADY_CONNECTED' });
});

test('client is the agent, once connect has been called', () => {
  const app = drachtio();
  assert.equal(app.client, undefined);
  app.connect();
  assert.ok(app.client instanceof drachtio.Agent);
});

test('settings are kept from before connect', () => {
  const app = drachtio();
  app.set('colour', 'blue');
  app.connect();
  assert.equal(app.get('colour'), 'blue');
  assert.equal(app.client.get('colour'), 'blue');
  assert.equal(app.params.colour, 'blue');
  assert.equal(app.client.params, app.params);
  assert.equal(Object.getPrototypeOf(app.locals), null);
});
