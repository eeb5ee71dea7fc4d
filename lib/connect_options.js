'use strict';

const { CONTACTS } = require('./contact_options');
const { ENGINE_OPTIONS } = require('./engine_options');
const { misuse } = require('./errors');
const { OBSERVE_OPTIONS } = require('./observe_options');
const { readOptions, section } = require('./option_kinds');

/** Where the engine listens when it is not told. */
const DEFAULT_CONTACT = 'sip:*;transport=udp,tcp';

/** Options that speak of a drachtio-server, which `host` or `port` would name. */
const REMOTE = new Set(['address', 'secret', 'label', 'tags', 'tls', 'reconnect', 'enablePing', 'pingInterval', 'methods', 'logger']);

/** Options of the embedded engine. */
const CONNECT_OPTIONS = section({ contact: CONTACTS, engine: ENGINE_OPTIONS, observe: OBSERVE_OPTIONS });

/**
 * Reads the options of `connect` that mean the engine of this process.
 *
 * @param {unknown} options
 * @returns {import('./native').StartOptions}
 * @throws {TypeError} `DRT_ERR_INVALID_OPTION`, which names the option
 */
function readConnectOptions(options) {
  const remote = typeof options === 'object' && options !== null ? Object.keys(options).find((name) => REMOTE.has(name)) : undefined;
  if (remote !== undefined) {
    throw misuse(
      `connect: option '${remote}' is one of a drachtio-server, which 'host' or 'port' must name; ` +
        "for the engine of this process leave it out, and say with 'contact' where to listen",
      'DRT_ERR_INVALID_OPTION',
    );
  }
  const { contact, engine = {}, observe } = /** @type {Record<string, any>} */ (readOptions('connect', CONNECT_OPTIONS, options));
  return { contacts: contact ?? [{ uri: DEFAULT_CONTACT }], engine, ...(observe && { observe }) };
}

module.exports = { readConnectOptions };
