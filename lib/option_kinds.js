'use strict';

const { isIP } = require('node:net');
const { misuse } = require('./errors');

/**
 * What a value must be like.
 *
 * @typedef {object} Kind
 * @property {string} says what is accepted, in the words of the documentation
 * @property {unknown} example a value that is accepted
 * @property {(value: unknown, name: string) => unknown} read the value as the engine takes it; throws a `Fault` when it is
 *   another, with the full name of the option
 * @property {Readonly<Record<string, Kind>>} [entries] of a section: the options in it
 */

/** The longest time that an option may say: 24 hours, in milliseconds. */
const DAY = 86_400_000;

/** What is wrong with an option. The call that it was given to is added where that is known, by `readOptions`. */
class Fault extends Error {}

/**
 * Reads what a call was given.
 *
 * @param {string} call its name, for whoever has to find it
 * @param {Kind} kind
 * @param {unknown} value
 * @param {string} [name] the full name of the option; '' for all options of the call
 * @returns {unknown} the value as the engine takes it
 * @throws {TypeError} `DRT_ERR_INVALID_OPTION`, with the full name of the option
 */
function readOptions(call, kind, value, name = '') {
  try {
    return kind.read(value, name);
  } catch (err) {
    if (err instanceof Fault) throw misuse(`${call}: ${err.message}`, 'DRT_ERR_INVALID_OPTION');
    throw err;
  }
}

/**
 * @param {string} name
 * @param {string} says
 */
function refuse(name, says) {
  return new Fault(name === '' ? `the options must be ${says}` : `option '${name}' must be ${says}`);
}

/**
 * @template T
 * @param {string} says
 * @param {T} example
 * @param {(value: unknown) => boolean} accepts
 * @returns {Kind}
 */
function kind(says, example, accepts) {
  return Object.freeze({
    says,
    example,
    /** @type {Kind['read']} */
    read(value, name) {
      if (!accepts(value)) throw refuse(name, says);
      return value;
    },
  });
}

/**
 * A whole number.
 *
 * @param {number} min
 * @param {number} max
 * @param {string} [unit]
 */
function whole(min, max, unit = '') {
  const says = `a whole number${unit && ` of ${unit}`} from ${min} to ${max}`;
  return kind(says, min, (value) => Number.isInteger(value) && /** @type {number} */ (value) >= min && /** @type {number} */ (value) <= max);
}

/**
 * A time in milliseconds.
 *
 * @param {number} min
 * @param {number} [max]
 */
function milliseconds(min, max = DAY) {
  return whole(min, max, 'milliseconds');
}

/** True or false. */
function flag() {
  return kind('true or false', true, (value) => typeof value === 'boolean');
}

/**
 * A text that is not empty.
 *
 * @param {string} what as in `the name of a file`
 * @param {string} example
 */
function text(what, example) {
  return kind(what, example, (value) => typeof value === 'string' && value !== '');
}

/** Where something is, on a port of its own or on the usual one. */
function endpoint() {
  return kind("a numeric address with or without a port, as '10.0.0.53' or '[::1]:5353'", '127.0.0.1:5353', isEndpoint);
}

/** @param {unknown} value */
function isEndpoint(value) {
  if (typeof value !== 'string') return false;
  if (isIP(value) !== 0) return true;
  const at = value.lastIndexOf(':');
  const host = value.slice(0, Math.max(at, 0));
  const port = value.slice(at + 1);
  const isHost = host.startsWith('[') && host.endsWith(']') ? isIP(host.slice(1, -1)) === 6 : isIP(host) === 4;
  return isHost && /^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536;
}

/**
 * One of several words.
 *
 * @param {...string} words
 */
function word(...words) {
  return kind(words.map((one) => `'${one}'`).join(' or '), words[0], (value) => typeof value === 'string' && words.includes(value));
}

/**
 * A value of either of two kinds.
 *
 * @param {Kind} one
 * @param {Kind} other
 * @returns {Kind}
 */
function either(one, other) {
  const says = `${one.says}, or ${other.says}`;
  return Object.freeze({
    says,
    example: one.example,
    /** @type {Kind['read']} */
    read(value, name) {
      for (const kind of [one, other]) {
        try {
          return kind.read(value, name);
        } catch {
          // The last word is below.
        }
      }
      throw refuse(name, says);
    },
  });
}

/**
 * An array of values of a kind.
 *
 * @param {Kind} element
 * @returns {Kind}
 */
function list(element) {
  const says = `an array; each element ${element.says}`;
  return Object.freeze({
    says,
    example: [element.example],
    /** @type {Kind['read']} */
    read(value, name) {
      if (!Array.isArray(value)) throw refuse(name, says);
      return value.map((item, at) => element.read(item, `${name}[${at}]`));
    },
  });
}

/**
 * An object of options. One that is undefined counts as left out.
 *
 * @param {Record<string, Kind>} entries
 * @returns {Kind}
 */
function section(entries) {
  const table = new Map(Object.entries(entries));
  return Object.freeze({
    says: 'an object',
    example: {},
    entries: Object.freeze({ ...entries }),
    /** @type {Kind['read']} */
    read(value, name) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(name, 'an object');
      /** @type {Record<string, unknown>} */
      const options = {};
      for (const [key, given] of Object.entries(value)) {
        const entry = table.get(key);
        const full = name === '' ? key : `${name}.${key}`;
        if (entry === undefined) throw new Fault(`unknown option '${full}'; known here: ${[...table.keys()].join(', ')}`);
        if (given !== undefined) options[key] = entry.read(given, full);
      }
      return options;
    },
  });
}

/**
 * An object that is one value: some of what is in it must be there.
 *
 * @param {Record<string, Kind>} entries
 * @param {string[]} required
 * @returns {Kind}
 */
function record(entries, required) {
  const { read } = section(entries);
  const says = `an object with ${required.map((key) => `'${key}'`).join(' and ')}`;
  return Object.freeze({
    says,
    example: Object.fromEntries(required.map((key) => [key, entries[key].example])),
    /** @type {Kind['read']} */
    read(value, name) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(name, says);
      const options = /** @type {Record<string, unknown>} */ (read(value, name));
      for (const key of required) {
        if (options[key] === undefined) throw refuse(name, says);
      }
      return options;
    },
  });
}

module.exports = { Fault, either, endpoint, flag, list, milliseconds, readOptions, record, section, text, whole, word };
