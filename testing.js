'use strict';

const { Peer } = require('./lib/testing/peer');

/**
 * Opens a SIP peer on 127.0.0.1, for tests.
 *
 * @param {{port?: number}} [options] the port: any that is free without it
 */
function openPeer({ port = 0 } = {}) {
  return new Peer().open(port);
}

module.exports.openPeer = openPeer;
module.exports.Peer = Peer;
