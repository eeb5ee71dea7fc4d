'use strict';

const { openOnLoopback } = require('./lib/testing/loopback');
const { Peer } = require('./lib/testing/peer');
const { World } = require('./lib/testing/world');

/**
 * Opens a SIP peer on 127.0.0.1, for tests.
 *
 * @param {{port?: number}} [options] the port: any that is free without it
 */
function openPeer({ port = 0 } = {}) {
  return openOnLoopback(port);
}

/**
 * Opens a simulated network on virtual time, for tests.
 *
 * @param {import('./lib/testing/world').WorldOptions} [options]
 */
function openWorld(options = {}) {
  return new World(options);
}

module.exports.openPeer = openPeer;
module.exports.openWorld = openWorld;
module.exports.Peer = Peer;
module.exports.World = World;
