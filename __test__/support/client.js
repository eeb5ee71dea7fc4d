'use strict';

const { EventEmitter, once } = require('node:events');
const drachtio = require('../..');
const { FakeServer } = require('./fake_drachtio_server');

/**
 * An application that is connected to a stand-in for a drachtio-server. Both end with the test.
 *
 * @param {import('node:test').TestContext} t
 * @param {(app: any) => void} [prepare] adds handlers before the connection is made
 * @param {{server?: object, connect?: object}} [options]
 */
async function connected(t, prepare = () => {}, options = {}) {
  const server = await FakeServer.start(options.server);
  t.after(() => server.close());
  const app = drachtio();
  t.after(() => app.disconnect());
  prepare(app);
  app.connect({ host: '127.0.0.1', port: server.port, secret: 'cymru', ...options.connect });
  const peer = await server.peer();
  await once(app, 'connect');
  return { app, server, peer };
}

/**
 * An application that listens for servers.
 *
 * @param {import('node:test').TestContext} t
 * @param {(app: any) => void} [prepare]
 * @param {object} [options]
 */
async function listening(t, prepare = () => {}, options = {}) {
  const app = drachtio();
  t.after(() => app.disconnect());
  prepare(app);
  const listener = app.listen({ host: '127.0.0.1', port: 0, secret: 'cymru', ...options });
  await once(app, 'listening');
  const dial = async (settings) => {
    const peer = await FakeServer.dial(listener.address().port, settings);
    t.after(() => peer.socket.destroy());
    if (settings?.automatic ?? true) await Promise.race([peer.authenticated, peer.closed]);
    return peer;
  };
  return { app, listener, dial };
}

/** The arguments of the next event of an application; unlike those of `once`, errors before it are nobody's. */
function told(app, event) {
  return new Promise((resolve) => {
    EventEmitter.prototype.once.call(app, event, (...args) => resolve(args));
  });
}

module.exports = { connected, listening, told, drachtio };
