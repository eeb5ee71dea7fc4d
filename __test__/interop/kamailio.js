'use strict';
// Kamailio as a neighbour: a registrar that asks for passwords, and a proxy that records its route.

const dgram = require('node:dgram');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { freePort } = require('../sipp/app');
const { request } = require('../sipp/wire');
const { certificate } = require('./certificate');
const { startPeer, waitFor } = require('./peer');

/**
 * @typedef {object} Neighbour
 * @property {number} port          UDP and TCP, on 127.0.0.1; TLS has another
 * @property {string} address       `127.0.0.1:port`
 * @property {(transport: string) => string} at its address on a transport
 * @property {() => string} log
 * @property {() => Promise<void>} stop
 */

/**
 * Starts one. Without `next` it sends a request to where its user has registered.
 *
 * @param {object} [options]
 * @param {string} [options.next]     the URI to which everything but a REGISTER is sent
 * @param {string} [options.password] everybody's
 * @param {boolean} [options.asksCallers] whether it asks callers for their password, by a 407
 * @returns {Promise<Neighbour>}
 */
async function startKamailio({ next = '', password = 'secret', asksCallers = false } = {}) {
  const [port, tlsPort] = await Promise.all([freePort(), freePort()]);
  const address = `127.0.0.1:${port}`;
  const values = {
    next,
    password,
    hasNext: next === '' ? 0 : 1,
    asksCallers: asksCallers ? 1 : 0,
    address,
    tlsAddress: `127.0.0.1:${tlsPort}`,
  };
  const { cert, key } = certificate();
  const template = readFileSync(path.join(__dirname, 'kamailio.cfg'), 'utf8');
  const peer = startPeer('kamailio', {
    // In the foreground, with little memory, and everything that it writes in its own folder.
    args: (folder) => ['-DD', '-E', '-m', '32', '-M', '4', '-f', 'kamailio.cfg', '-Y', folder, '-w', folder],
    files: { 'own.crt': cert, 'own.key': key, 'kamailio.cfg': template.replaceAll(/\{\{(\w+)\}\}/g, (_, name) => values[name]) },
  });
  const hasEnded = () => {
    if (peer.child.exitCode !== null) throw new Error(`Kamailio has ended\n${peer.output()}`);
  };
  await waitFor('Kamailio on UDP', () => hasEnded() || answers(port), peer.output);
  await waitFor('Kamailio on TLS', () => hasEnded() || accepts(tlsPort), peer.output);
  const at = (transport) => (transport === 'tls' ? values.tlsAddress : address);
  return { port, address, at, log: peer.output, stop: peer.stop };
}

/** Whether it answers a request that may not go any further: an open socket does not say that somebody reads from it. */
async function answers(port) {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  const heard = once(socket, 'message').then(() => true);
  socket.send(request({ headers: { 'Max-Forwards': '0' } }), port, '127.0.0.1');
  const answer = await Promise.race([heard, sleep(200, false)]);
  socket.close();
  return answer;
}

async function accepts(port) {
  const socket = net.connect(port, '127.0.0.1');
  const answer = await once(socket, 'connect').then(() => true, () => false);
  socket.destroy();
  return answer;
}

module.exports = { startKamailio };
