'use strict';

const { misuse } = require('./errors');

/** The number of a header that has none, in the index of a message. */
const OTHER = 255;

/** Offsets in an index are 16 bits wide. */
const MAX_FRAME = 0xffff;

/**
 * @typedef {object} Journey how a message has travelled
 * @property {'network' | 'application'} source
 * @property {string} protocol
 * @property {string} address
 * @property {number} port
 * @property {string} transaction
 * @property {string} dialog
 */

/**
 * A message as the native part gives it over: the text, one character for each byte, with a line about its journey before
 * it, and an index of its parts. For what does not come from the native part.
 *
 * @param {string} text
 * @param {Journey} journey
 * @returns {[frame: string, index: string]}
 * @throws {TypeError} `DRT_ERR_INVALID_ARGUMENT` for a message of more than 64 kB
 */
function makeFrame(text, { source, protocol, address, port, transaction, dialog }) {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const time = `${new Date().toISOString().slice(11, 23)}000`;
  const head = [source, bytes.length, protocol, address, port, time, transaction, '127.0.0.1', 5060, dialog].join('|');
  const frame = `${head}\r\n${bytes}`;
  if (frame.length > MAX_FRAME) throw misuse('the message is too long', 'DRT_ERR_INVALID_ARGUMENT');
  return [frame, String.fromCharCode(...indexOf(frame, head.length + 2))];
}

/**
 * @param {string} frame
 * @param {number} start where the message begins
 */
function indexOf(frame, start) {
  const blank = frame.indexOf('\r\n\r\n', start);
  const units = [start, blank + 4 < frame.length ? blank + 4 : 0];
  let at = frame.indexOf('\r\n', start) + 2;
  while (at <= blank) {
    const end = frame.indexOf('\r\n', at);
    const colon = frame.indexOf(':', at);
    const value = frame.slice(colon + 1, end);
    const valueAt = colon + 1 + (value.length - value.trimStart().length);
    units.push(OTHER, at, at + frame.slice(at, colon).trimEnd().length, valueAt, valueAt + value.trim().length);
    at = end + 2;
  }
  return units;
}

module.exports = { makeFrame };
