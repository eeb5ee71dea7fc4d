'use strict';
// Ports for applications under test; a benchmark, which is no test, uses it too.

const dgram = require('node:dgram');
const net = require('node:net');

const given = new Set();

/**
 * A port of 127.0.0.1 that neither UDP nor TCP uses, out of the range from which the system takes its own.
 *
 * @returns {Promise<number>}
 */
async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    if (given.has(port)) continue;
    given.add(port);
    if ((await isFree(dgram.createSocket('udp4'), port)) && (await isFree(net.createServer(), port))) return port;
  }
}

function isFree(socket, port) {
  return new Promise((resolve) => {
    socket.once('error', () => resolve(false));
    socket.once('listening', () => socket.close(() => resolve(true)));
    if (socket instanceof net.Server) socket.listen(port, '127.0.0.1');
    else socket.bind(port, '127.0.0.1');
  });
}

module.exports = { freePort };
