'use strict';

const { Fault, list, section, text } = require('./option_kinds');

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

/** A SIP URI, an object with one, or an array of these. */
const CONTACTS = Object.freeze({
  says: "a SIP URI, an object with one as 'uri', or an array of them",
  example: 'sip:*',
  /**
   * @param {unknown} contact
   * @param {string} name
   * @returns {ContactOptions[]}
   */
  read(contact, name) {
    if (!Array.isArray(contact)) return [readContact(contact, name)];
    if (contact.length === 0) throw wrong(name);
    return contact.map((item, at) => readContact(item, `${name}[${at}]`));
  },
});

/**
 * @param {unknown} contact
 * @param {string} name
 */
function readContact(contact, name) {
  if (typeof contact === 'string' && contact !== '') return { uri: contact };
  if (typeof contact !== 'object' || contact === null || Array.isArray(contact)) throw wrong(name);
  const options = /** @type {ContactOptions} */ (CONTACT.read(contact, name));
  if (options.uri === undefined) throw new Fault(`option '${name}.uri' is missing`);
  return options;
}

/** @param {string} name */
function wrong(name) {
  return new Fault(`option '${name}' must be ${CONTACTS.says}`);
}

module.exports = { CONTACTS };
