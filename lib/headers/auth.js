'use strict';

const { define, split } = require('./scan');

/**
 * A challenge or credentials: the scheme and its parameters, quotes kept.
 *
 * @typedef {{scheme: string} & Record<string, string | undefined>} AuthHeader
 */

/**
 * Parses one or several challenges or credentials (RFC 3261 §25.1). A new one begins where a
 * scheme stands before the first parameter: `Digest realm="a", nonce="b", Digest realm="c"`.
 *
 * @param {string} text
 * @returns {AuthHeader[]}
 */
function parseAuth(text) {
  /** @type {AuthHeader[]} */
  const found = [];
  for (const piece of split(text, ',')) {
    const scheme = schemeOf(piece);
    if (scheme !== '' || found.length === 0) found.push({ scheme });
    const challenge = found[found.length - 1];
    const name = challenge.scheme;
    addParam(challenge, piece.slice(scheme.length).trim());
    // A parameter of that name, which no scheme has, does not become the scheme.
    challenge.scheme = name;
  }
  return found;
}

/**
 * The same with the names of the parameters in lower case: they may be written in any (RFC 3261 §7.3.1).
 *
 * @param {string} text
 * @returns {AuthHeader[]}
 */
function readAuth(text) {
  return parseAuth(text).map(({ scheme, ...params }) => {
    const named = Object.entries(params).map(([name, value]) => [name.toLowerCase(), value]);
    return { ...Object.fromEntries(named), scheme };
  });
}

/**
 * Parses Authentication-Info: parameters without a scheme (RFC 3261 §20.6).
 *
 * @param {string} text
 * @returns {Record<string, string | undefined>}
 */
function parseAuthInfo(text) {
  /** @type {Record<string, string | undefined>} */
  const info = {};
  for (const piece of split(text, ',')) addParam(info, piece);
  return info;
}

/**
 * The word that a piece begins with, when a parameter follows it after a blank.
 *
 * @param {string} piece
 */
function schemeOf(piece) {
  const blank = piece.search(/\s/);
  const word = blank === -1 ? piece : piece.slice(0, blank);
  if (word.includes('=') || word.includes('"')) return '';
  return blank !== -1 && piece.slice(blank).trimStart().startsWith('=') ? '' : word;
}

/**
 * @param {Record<string, string | undefined>} params
 * @param {string} text
 */
function addParam(params, text) {
  if (text === '') return;
  const equals = text.indexOf('=');
  if (equals === -1) define(params, text, undefined);
  else define(params, text.slice(0, equals).trimEnd(), text.slice(equals + 1).trimStart());
}

module.exports = { parseAuth, parseAuthInfo, readAuth };
