'use strict';

const { parseParams, split, unquote } = require('./scan');

/** How many parts of a multipart body are told apart; the rest is left in the body. */
const MAX_PARTS = 16;

/** @typedef {{type: string | undefined, content: string}} Payload */

/**
 * The parts of a body. A body that is not multipart is one part.
 *
 * @param {string | undefined} contentType
 * @param {string} body
 * @returns {Payload[]} empty for an empty body
 */
function parsePayload(contentType, body) {
  if (body === '') return [];
  const boundary = boundaryOf(contentType);
  return boundary === undefined ? [{ type: contentType, content: body }] : parseParts(body, boundary);
}

/** @param {string | undefined} contentType */
function boundaryOf(contentType) {
  if (contentType === undefined) return undefined;
  const [type, ...pieces] = split(contentType, ';');
  if (!type.toLowerCase().startsWith('multipart/')) return undefined;
  const params = Object.entries(parseParams(pieces, undefined));
  const value = params.find(([name]) => name.toLowerCase() === 'boundary')?.[1];
  return value ? unquote(value) : undefined;
}

/**
 * Cuts a multipart body at its boundary (RFC 2046 §5.1.1).
 *
 * @param {string} body
 * @param {string} boundary
 */
function parseParts(body, boundary) {
  const delimiter = `--${boundary}`;
  /** @type {Payload[]} */
  const parts = [];
  let start = -1;
  for (const at of delimiters(body, delimiter)) {
    if (start !== -1) parts.push(parsePart(body.slice(start, lineBreakBefore(body, at))));
    start = at + delimiter.length;
    if (body.startsWith('--', start) || parts.length === MAX_PARTS) return parts;
  }
  // A body that was cut off: what there is of its last part.
  if (start !== -1) parts.push(parsePart(body.slice(start)));
  return parts;
}

/**
 * Where the delimiter stands at the beginning of a line and is all that the line begins with.
 *
 * @param {string} body
 * @param {string} delimiter
 */
function* delimiters(body, delimiter) {
  for (let at = body.indexOf(delimiter); at !== -1; at = body.indexOf(delimiter, at + delimiter.length)) {
    const after = at + delimiter.length;
    const complete = after === body.length || body.startsWith('--', after) || /\s/.test(body.charAt(after));
    if (complete && (at === 0 || body.charAt(at - 1) === '\n')) yield at;
  }
}

/**
 * The line break before a delimiter belongs to the delimiter.
 *
 * @param {string} body
 * @param {number} at
 */
function lineBreakBefore(body, at) {
  return at >= 2 && body.charAt(at - 2) === '\r' ? at - 2 : at - 1;
}

/**
 * @param {string} text what follows the delimiter: the rest of its line, headers, a blank line, the content
 * @returns {Payload}
 */
function parsePart(text) {
  let type;
  let at = text.indexOf('\n') + 1;
  while (at > 0) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end === -1 ? text.length : end).trim();
    at = end + 1;
    if (line === '') break;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (name === 'content-type' || name === 'c') type = line.slice(colon + 1).trim();
  }
  return { type, content: at > 0 ? text.slice(at) : '' };
}

module.exports = { parsePayload, MAX_PARTS };
