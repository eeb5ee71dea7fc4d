'use strict';

const { inspect } = require('node:util');

/** Compact forms of header names (RFC 3261 §7.3.3 and the IANA registry of SIP header fields). */
const COMPACT = new Map([
  ['a', 'accept-contact'],
  ['b', 'referred-by'],
  ['c', 'content-type'],
  ['d', 'request-disposition'],
  ['e', 'content-encoding'],
  ['f', 'from'],
  ['i', 'call-id'],
  ['j', 'reject-contact'],
  ['k', 'supported'],
  ['l', 'content-length'],
  ['m', 'contact'],
  ['n', 'identity-info'],
  ['o', 'event'],
  ['r', 'refer-to'],
  ['s', 'subject'],
  ['t', 'to'],
  ['u', 'allow-events'],
  ['v', 'via'],
  ['x', 'session-expires'],
  ['y', 'identity'],
]);

/** Headers of which a message has one value: setting one replaces what is there. */
const SINGLE = new Set([
  'call-id',
  'content-disposition',
  'content-length',
  'content-type',
  'cseq',
  'date',
  'event',
  'expires',
  'from',
  'max-forwards',
  'mime-version',
  'min-expires',
  'min-se',
  'organization',
  'priority',
  'rack',
  'refer-to',
  'referred-by',
  'replaces',
  'reply-to',
  'retry-after',
  'rseq',
  'server',
  'session-expires',
  'subject',
  'subscription-state',
  'timestamp',
  'to',
  'user-agent',
]);

/**
 * Headers whose names stay in `msg.headers` as they are written: what the environment variable
 * `DRACHTIO_PRESERVE_HEADER_NAMES` lists, between commas.
 */
const PRESERVED = new Set(
  (process.env.DRACHTIO_PRESERVE_HEADER_NAMES ?? '')
    .split(',')
    .map((name) => lowerName(name.trim()))
    .filter(Boolean),
);

/**
 * What a header name is compared by: lower case, the compact form expanded.
 *
 * @param {string} name
 */
function lowerName(name) {
  const lower = name.toLowerCase();
  return lower.length === 1 ? (COMPACT.get(lower) ?? lower) : lower;
}

/**
 * The key of a header in `msg.headers`: lower case, except that `X-…`, `Diversion` and what the
 * environment says stay as they are written.
 *
 * @param {string} name
 */
function storedName(name) {
  return name.length > 1 && isPreserved(name) ? name : lowerName(name);
}

/**
 * Whether the name of a header stays in `msg.headers` when it is written so.
 *
 * @param {string} name
 */
function isPreserved(name) {
  return name.startsWith('X-') || name === 'Diversion' || (PRESERVED.size > 0 && PRESERVED.has(lowerName(name)));
}

/**
 * The key in `headers` that means the header `name`, in whatever case or form either is written.
 *
 * @param {Record<string, string>} headers
 * @param {string} name
 * @returns {string | undefined}
 */
function findName(headers, name) {
  const lower = lowerName(name);
  if (Object.hasOwn(headers, lower)) return lower;
  return Object.keys(headers).find((key) => lowerName(key) === lower);
}

/**
 * Sets a header in a table. A further value of a header that is there is appended after a comma,
 * unless the header can have one value only: then it is replaced.
 *
 * @param {Record<string, string>} headers
 * @param {string} name
 * @param {string} value
 */
function setHeader(headers, name, value) {
  const key = findName(headers, name);
  if (key === undefined) headers[storedName(name)] = value;
  else headers[key] = SINGLE.has(lowerName(name)) ? value : `${headers[key]},${value}`;
}

/** Makes a table of headers from the lines of a message, of which several may have one name. */
class HeaderCollector {
  headers = headerTable();
  /** The keys that are not in lower case, by their names in lower case. @type {Map<string, string> | undefined} */
  #written = undefined;

  /**
   * @param {string} name
   * @param {string} value
   */
  add(name, value) {
    this.addStored(this.#keyOf(name), value);
  }

  /**
   * Adds a header by its key in the table.
   *
   * @param {string} key
   * @param {string} value
   */
  addStored(key, value) {
    const known = this.headers[key];
    this.headers[key] = known === undefined ? value : `${known},${value}`;
  }

  /** @param {string} name */
  #keyOf(name) {
    const lower = lowerName(name);
    const key = this.#written?.get(lower) ?? storedName(name);
    if (key !== lower && !(lower in this.headers)) {
      this.#written ??= new Map();
      this.#written.set(lower, key);
      return key;
    }
    return lower;
  }
}

/**
 * What a table of headers is beside its headers. Programs ask `headers.hasOwnProperty(…)` of it and put it into texts; what
 * answers has names that no header has in a table, where they are in lower case. So no header name means anything else.
 */
const TABLE = Object.create(null);
for (const name of /** @type {const} */ (['hasOwnProperty', 'isPrototypeOf', 'propertyIsEnumerable', 'toLocaleString', 'toString', 'valueOf'])) {
  Object.defineProperty(TABLE, name, { value: Object.prototype[name] });
}
Object.defineProperty(TABLE, inspect.custom, {
  /** @this {Record<string, string>} */
  value() {
    return { ...this };
  },
});

/**
 * An empty table of headers.
 *
 * @returns {Record<string, string>}
 */
function headerTable() {
  return Object.create(TABLE);
}

module.exports = { COMPACT, HeaderCollector, findName, headerTable, isPreserved, lowerName, setHeader };
