'use strict';
// A server on loopback with applications of the real drachtio-srf.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const drachtio = require('../..');

const SECRET = 'cymru';

const SDP = sdp(4000);

/** The versions of drachtio-srf that must work unmodified, as they are called in package.json. */
const VERSIONS = ['drachtio-srf', 'drachtio-srf-45'];

/** A description of a session that is told from others by its port. */
function sdp(port) {
  return `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0\r\na=sendrecv\r\n`;
}

/** A test that is run with each version of drachtio-srf; `name` stands before what the version is called. */
function eachVersion(name, fn) {
  for (const version of VERSIONS) test(`${name} (${version})`, { timeout: 30_000 }, (t) => fn(t, version));
}

/** Starts a server that ends with the test. */
async function startServer(t, { admin, ...options } = {}) {
  const server = await drachtio.serve({
    contact: 'sip:127.0.0.1:0;transport=udp,tcp',
    admin: { host: '127.0.0.1', port: 0, secret: SECRET, ...admin },
    ...options,
  });
  t.after(() => server.close());
  const portOf = (scheme) => Number(server.adminHostports.find((text) => text.startsWith(scheme))?.split(':').pop());
  return { server, port: portOf('tcp'), tlsPort: portOf('tls'), address: server.hostports[0].split('/')[1] };
}

/** Connects an application of a version of drachtio-srf to a server. */
async function connect(t, port, version = 'drachtio-srf', { tags, handlers = {}, ...options } = {}) {
  const Srf = require(version);
  const srf = new Srf(tags);
  const connected = once(srf, 'connect');
  srf.connect({ host: '127.0.0.1', port, secret: SECRET, reconnect: { maxAttempts: 1 }, ...options });
  srf.on('error', () => {});
  t.after(() => leave(srf));
  for (const [method, handler] of Object.entries(handlers)) srf[method](handler);
  const [err] = await connected;
  assert.equal(err, null);
  await routed(srf);
  return srf;
}

/** Ends an application's connection, unless it has ended: then drachtio-srf throws. */
function leave(srf) {
  try {
    srf.disconnect();
  } catch {
    // It has ended.
  }
}

/** Waits until the server has carried out all that an application has asked for: a failing request comes back last. */
function routed(srf) {
  return new Promise((resolve) => srf.request('sip:nobody@127.0.0.1', { method: 'NONSENSE METHOD' }, () => resolve()));
}

/** An application of a version of drachtio-srf on a server of its own. */
async function station(t, version = 'drachtio-srf', handlers = {}, options = {}) {
  const { server, port, address } = await startServer(t, options);
  const srf = await connect(t, port, version, { handlers });
  return { server, port, address, srf, uri: `sip:user@${address}` };
}

/** Waits until the server holds nothing that an application or a peer waits for. */
async function settled(server) {
  const isBusy = () => {
    const { dialogs, openTransactions } = server.census();
    return dialogs + openTransactions > 0;
  };
  const end = performance.now() + 10_000;
  while (isBusy() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(isBusy(), false, JSON.stringify(server.census()));
}

/** A promise with the functions that settle it. */
function deferred() {
  let resolve;
  let reject;
  const promise = new Promise((...settle) => ([resolve, reject] = settle));
  return { promise, resolve, reject };
}

module.exports = { SDP, SECRET, VERSIONS, connect, deferred, eachVersion, leave, routed, sdp, settled, startServer, station };
