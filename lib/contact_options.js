'use strict';

const { misuse } = require('./errors');
const { list, section, text } = require('./option_kinds');

/**
 * Where to listen, and how that place is known to others.
 *
 * @typedef {object} ContactOptions
 * @property {string} uri
 * @property {string} [externalIp]
 * @property {string[]} [localNet]
 * @property {string[]} [dnsNames]
 */

/** The options of a contact. What the texts must look like, the engine says (`src/addon/settings.rs`). */
const CONTACT = section({
  uri: text('a SIP URI', 'sip:*'),
  externalIp: text('an address or a name, with a port or without', '203.0.113.7:5060'),
  localNet: list(text('a range of addresses', '10.0.0.0/8')),
  dnsNames: list(text('a name', 'sip.example.com')),
});

/**
 * Reads the option `contact` of `connect`: a SIP URI, an object with one, or an array of these.
 *
 * @param {unknown} contact
 * @returns {ContactOptions[]}
 * @throws {TypeError} `DRT_ERR_INVALID_OPTION`, which names the option
 */
function readContacts(contact) {
  if (!Array.isArray(contact)) return [readContact(contact, 'contact')];
  if (contact.length === 0) throw wrong('contact');
  return contact.map((item, at) => readContact(item, `contact[${at}]`));
}

/**
 * @param {unknown} contact
 * @param {string} name
 */
function readContact(contact, name) {
  if (typeof contact === 'string' && contact !== '') return { uri: contact };
  if (typeof contact !== 'object' || contact === null || Array.isArray(contact)) throw wrong(name);
  const options = /** @type {ContactOptions} */ (CONTACT.read(contact, name));
  if (options.uri === undefined) throw misuse(`connect: option '${name}.uri' is missing`, 'DRT_ERR_INVALID_OPTION');
  return options;
}

/** @param {string} name */
function wrong(name) {
  return misuse(
    `connect: option '${name}' must be a SIP URI, an object with one as 'uri', or an array of them`,
    'DRT_ERR_INVALID_OPTION',
  );
}

module.exports = { readContacts };
