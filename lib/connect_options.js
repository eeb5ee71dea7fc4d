'use strict';

const { readContacts } = require('./contact_options');
const { readEngineOptions } = require('./engine_options');
const { readObserveOptions } = require('./observe_options');
const { DrachtioError, misuse } = require('./errors');

/** Where the engine listens when it is not told. */
const DEFAULT_CONTACT = 'sip:*;transport=udp,tcp';

/** Options that speak of a drachtio-server: an application with one of them does not mean the embedded engine. */
const REMOTE = new Set(['host', 'port', 'address', 'secret', 'label', 'tags', 'tls', 'reconnect', 'enablePing', 'pingInterval']);

/** Options of the embedded engine. */
const OWN = new Set(['contact', 'engine', 'observe']);

/**
 * Reads the options of `connect`.
 *
 * @param {unknown} options
 * @returns {import('./native').StartOptions}
 * @throws {DrachtioError | TypeError} `DRT_ERR_REMOTE_NOT_SUPPORTED` or `DRT_ERR_INVALID_OPTION`, which name the option
 */
function readConnectOptions(options) {
  if (typeof options !== 'object' || options === null) throw misuse('connect: options must be an object', 'DRT_ERR_INVALID_OPTION');
  for (const name of Object.keys(options)) {
    if (REMOTE.has(name)) {
      throw new DrachtioError(
        `connect: option '${name}' asks for a drachtio-server, and this version of drachtio is not a client of one: ` +
          "it has the SIP engine in itself; leave the option out, and say with 'contact' where to listen",
        'DRT_ERR_REMOTE_NOT_SUPPORTED',
      );
    }
    if (!OWN.has(name)) throw misuse(`connect: unknown option '${name}'`, 'DRT_ERR_INVALID_OPTION');
  }
  const { contact = DEFAULT_CONTACT, engine = {}, observe } = /** @type {{contact?: unknown, engine?: unknown, observe?: unknown}} */ (options);
  const start = { contacts: readContacts(contact), engine: readEngineOptions(engine) };
  return observe === undefined ? start : { ...start, observe: readObserveOptions(observe) };
}

module.exports = { readConnectOptions };
