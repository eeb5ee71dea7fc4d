'use strict';
// TLS for a SIPp that has none, as Debian's: between its TCP connection and the application stands the TLS of Node.js.

const { once } = require('node:events');
const net = require('node:net');
const tls = require('node:tls');
const { freePort } = require('../sipp/app');
const { certificate } = require('./certificate');

/**
 * For a SIPp that calls. What its scenario says of itself must be `local`, the port that the application sees.
 *
 * @param {number} port of the application
 * @returns {Promise<{ port: number, local: number }>} where SIPp is to connect
 */
async function tunnelTo(port) {
  const { cert } = certificate();
  const local = await freePort();
  const connect = () => tls.connect({ host: '127.0.0.1', port, localPort: local, localAddress: '127.0.0.1', ca: [cert] });
  const server = net.createServer((near) => join(near, connect()));
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return { port: server.address().port, local };
}

/**
 * For a SIPp that is called.
 *
 * @param {number} port where SIPp listens
 * @returns {Promise<number>} where the application is to connect
 */
async function tunnelFrom(port) {
  const server = tls.createServer(certificate(), (far) => join(far, net.connect(port, '127.0.0.1')));
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return server.address().port;
}

function join(one, other) {
  for (const [from, to] of [[one, other], [other, one]]) {
    from.on('error', () => {});
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
}

module.exports = { tunnelFrom, tunnelTo };
