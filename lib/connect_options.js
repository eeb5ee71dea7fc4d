'use strict';

const { readContacts } = require('./contact_options');
const { readEngineOptions } = require('./engine_options');
const { readObserveOptions } = require('./observe_options');
const { misuse } = require('./errors');

/** Where the engine listens when it is not told. */
const DEFAULT_CONTACT = 'sip:*;transport=udp,tcp';

/** Options that speak of a drachtio-server, which `host` or `port` would name. */
const REMOTE = new Set(['address', 'secret', 'label', 'tags', 'tls', 'reconnect', 'enablePing', 'pingInterval', 'methods', 'logger']);

/** Options of the embedded engine. */
const OWN = new Set(['contact', 'engine', 'observe']);

/**
 * Reads the options of `connect` that mean the engine of this process.
 *
 * @param {unknown} options
 * @returns {import('./native').StartOptions}
 * @throws {TypeError} `DRT_ERR_INVALID_OPTION`, which names the option
 */
function readConnectOptions(options) {
  if (typeof options !== 'object' || options === null) throw misuse('connect: options must be an object', 'DRT_ERR_INVALID_OPTION');
  for (const name of Object.keys(options)) {
    if (REMOTE.has(name)) {
      throw misuse(
        `connect: option '${name}' is one of a drachtio-server, which 'host' or 'port' must name; ` +
          "for the engine of this process leave it out, and say with 'contact' where to listen",
        'DRT_ERR_INVALID_OPTION',
      );
    }
    if (!OWN.has(name)) throw misuse(`connect: unknown option '${name}'`, 'DRT_ERR_INVALID_OPTION');
  }
  const { contact = DEFAULT_CONTACT, engine = {}, observe } = /** @type {{contact?: unknown, engine?: unknown, observe?: unknown}} */ (options);
  const start = { contacts: readContacts(contact), engine: readEngineOptions(engine) };
  return observe === undefined ? start : { ...start, observe: readObserveOptions(observe) };
}

module.exports = { readConnectOptions };
