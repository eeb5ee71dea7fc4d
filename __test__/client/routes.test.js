'use strict';
// Which requests a client asks a drachtio-server for.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, told, drachtio } = require('../support/client');
const { FakeServer } = require('../support/fake_drachtio_server');

/** What has been said of routes, once everything before has been said. */
async function routes(app, peer) {
  app.request('sip:a@b', { method: 'OPTIONS' });
  await peer.next('sip');
  return peer.said.filter(({ type }) => type.endsWith('route')).map(({ line }) => line);
}

test('every method is asked for once, whenever its handler was added', async (t) => {
  const { app, peer } = await connected(t, (app) => {
    app.invite(() => {});
    app.use('invite', () => {});
    app.use('BYE', () => {});
  });
  app.message(() => {});
  app.invite(() => {});
  assert.deepEqual(await routes(app, peer), ['route|invite', 'route|bye', 'route|message']);
});

test('a handler that is added between connect and the server\'s answer is asked for once', async (t) => {
  const { app, peer } = await connected(t, (app) => {
    const { connect } = app;
    app.connect = (...args) => {
      connect.apply(app, args);
      app.register(() => {});
    };
  });
  assert.deepEqual(await routes(app, peer), ['route|register']);
});

test('routes are awaited until the server has taken note of them, or refused', async (t) => {
  const server = await FakeServer.start({ automatic: false });
  t.after(() => server.close());
  const app = drachtio().invite(() => {});
  t.after(() => app.disconnect());
  app.connect({ host: '127.0.0.1', port: server.port, secret: 'cymru' });
  const peer = await server.peer();
  peer.authenticate(await peer.next('authenticate'));
  const noted = async (answer) => {
    const said = await peer.next('route', 'remove_route');
    assert.equal(app.idle, false, said.line);
    peer.reply(said, ...answer);
    // What is answered later has been read later.
    const request = app.request('sip:a@b', { method: 'OPTIONS' }).catch(() => {});
    peer.reply(await peer.next('sip'), 'NOK', 'no');
    await request;
    assert.equal(app.idle, true, said.line);
  };
  await noted(['OK']);
  app.bye(() => {});
  await noted(['NOK', 'no']);
  app.removeRoute('bye');
  peer.reply(await peer.next('remove_route'), 'OK');
  // The other one, again: this server has forgotten it.
  await noted(['OK']);
});

/** An application that wants two methods, and then only one; what the server has heard of it after that. */
async function takingBack(t, version) {
  const prepare = (app) => {
    app.invite(() => {});
    app.message(() => {});
  };
  const { app, peer } = await connected(t, prepare, { server: { version, localHostports: undefined } });
  app.removeRoute('invite');
  const said = await routes(app, peer);
  assert.deepEqual(said.splice(0, 2), ['route|invite', 'route|message']);
  return said.filter((line) => line !== 'route|request:answered');
}

test('a route is taken back', async (t) => {
  assert.deepEqual(await takingBack(t, 'v0.9.10+drachtio.4.2.0'), ['remove_route|invite']);
});

test('drachtio-server, which forgets all routes then, is told of the others again', async (t) => {
  assert.deepEqual(await takingBack(t, 'v0.9.10'), ['remove_route|invite', 'route|message']);
});

test('servers before 0.9, which would end the connection over it, are not told', async (t) => {
  for (const version of [undefined, 'v0.8.26']) assert.deepEqual(await takingBack(t, version), []);
});

test('the option methods asks for methods without handlers', async (t) => {
  const { app, peer } = await connected(t, (app) => app.invite(() => {}), { connect: { methods: ['bye', 'invite'] } });
  assert.deepEqual(await routes(app, peer), ['route|invite', 'route|bye']);
});

test('after a reconnect the routes are asked for again, once each, without those that were taken back', async (t) => {
  const { app, server, peer } = await connected(t, (app) => {
    app.invite(() => {});
    app.bye(() => {});
  });
  app.register(() => {});
  app.removeRoute('bye');
  await routes(app, peer);
  peer.socket.destroy();
  const [second] = await Promise.all([server.peer(), told(app, 'connect')]);
  assert.deepEqual(await routes(app, second), ['route|invite', 'route|register']);
});

test('a route that was asked for twice by hand is an error', async (t) => {
  const { app } = await connected(t);
  app.client.route('invite');
  assert.throws(() => app.client.route('invite'), { message: 'duplicate route request for invite' });
  assert.throws(() => new drachtio.Agent(() => {}).removeRoute('bye'), { code: 'DRT_ERR_NOT_ROUTED' });
});
