'use strict';

/**
 * Scanners over header text. All of them go over the text once: what a peer sends decides how
 * long they take only by its length.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LESS = 0x3c;
const GREATER = 0x3e;

/**
 * The index after the quoted string that begins at `at`; the length of the text when it does not end.
 *
 * @param {string} text
 * @param {number} at where its opening quote is
 */
function afterQuoted(text, at) {
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === QUOTE) return i + 1;
  }
  return text.length;
}

/**
 * Cuts a text at a separator that stands outside quoted strings and angle brackets; the pieces
 * are trimmed.
 *
 * @param {string} text
 * @param {string} separator one ASCII character
 * @returns {string[]} at least one piece
 */
function split(text, separator) {
  const cut = separator.charCodeAt(0);
  const pieces = [];
  let start = 0;
  let bracketed = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      i = afterQuoted(text, i) - 1;
    } else if (code === LESS) {
      bracketed = true;
    } else if (code === GREATER) {
      bracketed = false;
    } else if (code === cut && !bracketed) {
      pieces.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  pieces.push(text.slice(start).trim());
  return pieces;
}

/**
 * The elements of a comma-separated list, empty ones left out.
 *
 * @param {string} text
 */
function splitList(text) {
  return split(text, ',').filter((piece) => piece !== '');
}

/**
 * Parameters as in `;tag=x;lr`. A parameter without a value gets `bare`.
 *
 * @template T
 * @param {string[]} pieces the text between the semicolons
 * @param {T} bare
 * @returns {Record<string, string | T>}
 */
function parseParams(pieces, bare) {
  /** @type {Record<string, string | T>} */
  const params = {};
  for (const piece of pieces) {
    if (piece === '') continue;
    const equals = piece.indexOf('=');
    if (equals === -1) define(params, piece, bare);
    else define(params, piece.slice(0, equals).trimEnd(), piece.slice(equals + 1).trimStart());
  }
  return params;
}

/**
 * Sets an own property, also for a name such as `__proto__`.
 *
 * @template T
 * @param {Record<string, T>} object
 * @param {string} name
 * @param {T} value
 */
function define(object, name, value) {
  if (name === '__proto__') Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
  else object[name] = value;
}

/**
 * What a quoted string says: its quotes and escapes taken off. Any other text comes back as it is.
 *
 * @param {string} text
 */
function unquote(text) {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  return text.slice(1, -1).replace(/\\([\s\S])/g, '$1');
}

module.exports = { afterQuoted, split, splitList, parseParams, define, unquote };
