'use strict';

const net = require('node:net');
const tls = require('node:tls');

/** Connections that servers may have to one application at a time. */
const MAX_CONNECTIONS = 10_000;

/**
 * Listens for servers.
 *
 * @param {import('./options').ListenOptions} options
 * @param {(socket: import('node:net').Socket) => void} onConnection
 * @returns {import('node:net').Server}
 */
function listenForServers(options, onConnection) {
  const server = options.server ?? (options.tls === undefined ? net.createServer() : tls.createServer(options.tls));
  if (options.server === undefined) server.maxConnections = MAX_CONNECTIONS;
  // A connection of TLS is one when the handshake is done.
  server.on(server instanceof tls.Server ? 'secureConnection' : 'connection', onConnection);
  if (!server.listening) server.listen({ port: options.port, host: options.host });
  return server;
}

module.exports = { listenForServers };
