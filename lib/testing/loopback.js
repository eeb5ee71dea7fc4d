'use strict';

const { createSocket } = require('node:dgram');
const { once } = require('node:events');
const { setTimeout, clearTimeout } = require('node:timers');
const { Peer } = require('./peer');

/** How long a message is waited for, in milliseconds. On loopback an answer takes one. */
const PATIENCE = 5_000;

let count = 0;

/**
 * Opens a peer with a UDP socket on 127.0.0.1.
 *
 * @param {number} port 0 for any
 * @returns {Promise<Peer>}
 */
async function openOnLoopback(port) {
  const socket = createSocket('udp4');
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  const { port: bound } = socket.address();
  return new Peer((hear) => {
    socket.on('message', (bytes) => hear(bytes.toString('utf8')));
    return {
      uri: `sip:peer@127.0.0.1:${bound}`,
      port: bound,
      sentBy: `UDP 127.0.0.1:${bound}`,
      patience: PATIENCE,
      send: (text, { host, port: to }) => socket.send(text, to || 5060, host),
      newId: () => `${process.pid}-${++count}`,
      wait: (time, over) => {
        const timer = setTimeout(over, time);
        return () => clearTimeout(timer);
      },
      close: () => new Promise((resolve) => socket.close(() => resolve())),
    };
  });
}

module.exports = { openOnLoopback };
