'use strict';

const { isUtf8 } = require('node:buffer');

/**
 * The native part hands over messages as strings of one character per byte. These functions make
 * text of their pieces.
 */

const NOT_ASCII = /[\u0080-\u00ff]/;
const LINE_BREAK = /[\r\n]/;

/**
 * The text of bytes: UTF-8 if they are that, else the characters as they are (Latin-1).
 *
 * @param {string} bytes one character per byte
 */
function decode(bytes) {
  if (!NOT_ASCII.test(bytes)) return bytes;
  const buffer = Buffer.from(bytes, 'latin1');
  return isUtf8(buffer) ? buffer.toString('utf8') : bytes;
}

/**
 * A header value of several lines as one line (RFC 3261 §7.3.1). No line break survives, so that
 * a value can be used in another message as it is.
 *
 * @param {string} value
 */
function unfold(value) {
  return LINE_BREAK.test(value) ? trimBlanks(value.replace(/[\r\n]+[ \t]*/g, ' ')) : value;
}

/**
 * A text without the blanks around it, which are spaces and tabs and nothing else (RFC 3261 §25.1, LWS): what other programs
 * take for a part of a name or a value is one here, too.
 *
 * @param {string} text
 */
function trimBlanks(text) {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text, start)) start++;
  while (end > start && isBlank(text, end - 1)) end--;
  return text.slice(start, end);
}

/**
 * @param {string} text
 * @param {number} at
 */
function isBlank(text, at) {
  const code = text.charCodeAt(at);
  return code === 0x20 || code === 0x09;
}

module.exports = { decode, trimBlanks, unfold };
