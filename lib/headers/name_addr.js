'use strict';

const { afterQuoted, parseParams, split, splitList } = require('./scan');

/**
 * An address with its display name and header parameters (RFC 3261 §20.10). The name keeps its
 * quotes.
 *
 * @typedef {{name: string | undefined, uri: string, params: Record<string, string | undefined>}} NameAddr
 */

/**
 * Parses `"Name" <uri>;params` and `uri;params`. In the second form the parameters are the
 * header's, not the URI's (RFC 3261 §20.10).
 *
 * @param {string} text
 * @returns {NameAddr}
 */
function parseNameAddr(text) {
  const value = text.trim();
  const open = openingBracket(value);
  if (open === -1) {
    const [uri, ...params] = split(value, ';');
    return { name: undefined, uri, params: parseParams(params, undefined) };
  }
  const close = value.indexOf('>', open);
  const end = close === -1 ? value.length : close;
  return {
    name: value.slice(0, open).trim() || undefined,
    uri: value.slice(open + 1, end).trim(),
    params: parseParams(split(value.slice(end + 1), ';'), undefined),
  };
}

/** @param {string} text */
function openingBracket(text) {
  return text.startsWith('"') ? text.indexOf('<', afterQuoted(text, 0)) : text.indexOf('<');
}

/**
 * Parses a comma-separated list of addresses.
 *
 * @param {string} text
 * @returns {NameAddr[]}
 */
function parseNameAddrs(text) {
  return splitList(text).map(parseNameAddr);
}

/**
 * Parses a Contact. The array also answers for its first element, as `name`, `uri` and `params`
 * that are not enumerable: what is written for one contact works.
 *
 * @param {string} text
 * @returns {NameAddr[] & NameAddr}
 */
function parseContact(text) {
  const contacts = parseNameAddrs(text);
  const [first] = contacts;
  if (first !== undefined) {
    for (const key of /** @type {const} */ (['name', 'uri', 'params'])) {
      Object.defineProperty(contacts, key, { value: first[key], configurable: true, writable: true });
    }
  }
  return /** @type {NameAddr[] & NameAddr} */ (contacts);
}

module.exports = { parseNameAddr, parseNameAddrs, parseContact };
