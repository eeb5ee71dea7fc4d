'use strict';
// Kamailio as a neighbour: a registrar that asks for passwords, and a proxy that records its route.

const { readFileSync } = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { once } = require('node:events');
const { freePort } = require('../sipp/app');
const { startPeer, waitFor } = require('./peer');

/**
 * @typedef {object} Neighbour
 * @property {number} port          UDP and TCP, on 127.0.0.1
 * @property {string} address       `127.0.0.1:port`
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
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const values = {
    next,
    password,
    hasNext: next === '' ? 0 : 1,
    asksCallers: asksCallers ? 1 : 0,
    listen: ['udp', 'tcp'].map((transport) => `listen=${transport}:${address}`).join('\n'),
    modules: '',
    parameters: '',
  };
  const template = readFileSync(path.join(__dirname, 'kamailio.cfg'), 'utf8');
  const peer = startPeer('kamailio', {
    // In the foreground, with little memory, and everything that it writes in its own folder.
    args: (folder) => ['-DD', '-E', '-m', '32', '-M', '4', '-f', 'kamailio.cfg', '-Y', folder, '-w', folder],
    files: { 'kamailio.cfg': template.replaceAll(/\{\{(\w+)\}\}/g, (_, name) => values[name]) },
  });
  // Its TCP process is the last to start.
  await waitFor(
    'Kamailio',
    () => {
      if (peer.child.exitCode !== null) throw new Error(`Kamailio has ended\n${peer.output()}`);
      return accepts(port);
    },
    peer.output,
  );
  return { port, address, log: peer.output, stop: peer.stop };
}

async function accepts(port) {
  const socket = net.connect(port, '127.0.0.1');
  const answer = await once(socket, 'connect').then(() => true, () => false);
  socket.destroy();
  return answer;
}

module.exports = { startKamailio };
