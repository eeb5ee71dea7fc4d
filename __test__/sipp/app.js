'use strict';
// Applications under test, each on ports of its own.

const { once } = require('node:events');
const { after } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const drachtio = require('../..');
const { freePort } = require('./free_port');

/**
 * @typedef {object} Running
 * @property {any} app
 * @property {number} port          UDP and TCP, on 127.0.0.1
 * @property {Record<string, number>} ports by transport
 * @property {string} address       `127.0.0.1:port`
 * @property {(transport: string) => string} at its address on a transport
 * @property {() => Promise<void>} stop
 */

// A test that fails before it stops its application would leave the process running.
const running = new Set();
after(async () => {
  await Promise.all([...running].map((stop) => stop()));
});

/**
 * Starts an application on UDP and TCP of a free port, and on further transports, each on a port of its own.
 *
 * @param {(app: any) => void} configure adds its handlers
 * @param {object} [options]
 * @param {('tls' | 'ws' | 'wss')[]} [options.further] transports
 * @param {object} [options.engine]  the option of `connect`
 * @returns {Promise<Running>}
 */
async function startApp(configure, { further = [], engine } = {}) {
  const [port, ...others] = await Promise.all(['udp,tcp', ...further].map(freePort));
  const address = `127.0.0.1:${port}`;
  const app = drachtio();
  configure(app);
  const contact = [`sip:${address};transport=udp,tcp`, ...further.map((transport, i) => `sip:127.0.0.1:${others[i]};transport=${transport}`)];
  app.connect({ contact, ...(engine && { engine }) });
  const [err] = await once(app, 'connect');
  if (err) throw err;
  const stop = async () => {
    running.delete(stop);
    await app.disconnect();
  };
  running.add(stop);
  const ports = { udp: port, tcp: port, ...Object.fromEntries(further.map((transport, i) => [transport, others[i]])) };
  const at = (transport) => `127.0.0.1:${ports[transport]}`;
  return { app, port, ports, address, at, stop };
}

/**
 * The engine tables that are not empty, after waiting as long as a finished transaction may take: timers J and H are 32 s, and
 * an INVITE that nobody has answered in 32 s is listened to for as long again.
 *
 * @param {any} app
 * @param {number} [limit] in ms
 * @returns {Promise<Record<string, number>>} `{}` when all are empty
 */
async function whatIsLeft(app, limit = 80_000) {
  const end = Date.now() + limit;
  for (;;) {
    const left = Object.fromEntries(Object.entries(app.client.census()).filter(([, size]) => size !== 0));
    if (Object.keys(left).length === 0 || Date.now() > end) return left;
    await sleep(250);
  }
}

/** Resolves when `condition` holds, or after `limit` ms, and tells which. */
async function until(condition, limit = 5000) {
  const end = Date.now() + limit;
  while (!condition()) {
    if (Date.now() > end) return false;
    await sleep(20);
  }
  return true;
}

module.exports = { freePort, startApp, until, whatIsLeft };
