'use strict';

const { decode } = require('./wire_text');

/**
 * What an application had on a connection that has ended.
 *
 * @typedef {object} ClosedConnection
 * @property {string} protocol
 * @property {string} source_address
 * @property {number} source_port
 * @property {string[]} registrations the Contacts that were registered over it
 * @property {string[]} dialogs
 * @property {string[]} requests
 */

/**
 * Reads what `src/addon/frame.rs` writes: `protocol|address|port`, and a line for each thing.
 *
 * @param {string} text
 * @returns {ClosedConnection}
 */
function readClosedConnection(text) {
  const [head = '', ...lines] = decode(text).split('\r\n');
  const [protocol = '', address = '', port = ''] = head.split('|');
  const of = (/** @type {string} */ kind) =>
    lines.filter((line) => line.startsWith(`${kind} `)).map((line) => line.slice(kind.length + 1));
  return {
    protocol,
    source_address: address,
    source_port: Number(port),
    registrations: of('contact'),
    dialogs: of('dialog'),
    requests: of('request'),
  };
}

module.exports = { readClosedConnection };
