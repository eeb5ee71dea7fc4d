'use strict';

const { createHash } = require('node:crypto');

/**
 * A digest algorithm of SIP (RFC 3261 §22.4, RFC 8760).
 *
 * @typedef {object} Algorithm
 * @property {string} name as in a challenge
 * @property {string} hash Node's name for it
 * @property {boolean} isSession whether the nonces are hashed into the secret (`-sess`, RFC 7616 §3.4.2)
 */

/** By name in lower case. @type {ReadonlyMap<string, Algorithm>} */
const ALGORITHMS = new Map(
  [
    { name: 'MD5', hash: 'md5', isSession: false },
    { name: 'MD5-sess', hash: 'md5', isSession: true },
    { name: 'SHA-256', hash: 'sha256', isSession: false },
    { name: 'SHA-256-sess', hash: 'sha256', isSession: true },
    { name: 'SHA-512-256', hash: 'sha512-256', isSession: false },
    { name: 'SHA-512-256-sess', hash: 'sha512-256', isSession: true },
  ].map((algorithm) => [algorithm.name.toLowerCase(), algorithm]),
);

/** As in a challenge. */
const ALGORITHM_NAMES = [...ALGORITHMS.values()].map(({ name }) => name);

/**
 * The algorithm of that name, in any case.
 *
 * @param {string} [name] MD5 when there is none
 * @returns {Algorithm | undefined}
 */
function algorithmOf(name = 'MD5') {
  return ALGORITHMS.get(name.toLowerCase());
}

/**
 * @param {Algorithm} algorithm
 * @param {...string} parts
 */
function hash(algorithm, ...parts) {
  return createHash(algorithm.hash).update(parts.join(':')).digest('hex');
}

/**
 * What a server may keep in place of a password: H(A1) without the nonces.
 *
 * @param {Algorithm} algorithm
 * @param {string} username
 * @param {string} realm
 * @param {string} password
 */
function secretOf(algorithm, username, realm, password) {
  return hash(algorithm, username, realm, password);
}

/**
 * The `response` of credentials (RFC 7616 §3.4.1).
 *
 * @param {Algorithm} algorithm
 * @param {string} secret see `secretOf`
 * @param {object} request
 * @param {string} request.nonce
 * @param {string} request.cnonce
 * @param {string} request.count the nonce count, eight hexadecimal digits
 * @param {'auth' | 'auth-int' | undefined} request.qop
 * @param {string} request.method
 * @param {string} request.uri the digest-uri
 * @param {string} request.body
 */
function digestOf(algorithm, secret, { nonce, cnonce, count, qop, method, uri, body }) {
  const ha1 = algorithm.isSession ? hash(algorithm, secret, nonce, cnonce) : secret;
  const ha2 = qop === 'auth-int' ? hash(algorithm, method, uri, hash(algorithm, body)) : hash(algorithm, method, uri);
  return qop === undefined ? hash(algorithm, ha1, nonce, ha2) : hash(algorithm, ha1, nonce, count, cnonce, qop, ha2);
}

/**
 * A nonce count as it is written.
 *
 * @param {number} count
 */
function countText(count) {
  return count.toString(16).padStart(8, '0');
}

/** @param {string} text */
function quote(text) {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

module.exports = { ALGORITHM_NAMES, algorithmOf, countText, digestOf, hash, quote, secretOf };
