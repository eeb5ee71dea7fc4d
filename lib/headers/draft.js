'use strict';

const { isUtf8 } = require('node:buffer');
const { misuse } = require('../errors');
const { lowerName } = require('./names');

/**
 * The text of what an application wants to send. The engine completes it: what goes on the wire
 * besides (Via, tags, Call-ID, Content-Length and so on) is its business.
 *
 * @typedef {string | number | boolean | readonly (string | number)[] | null | undefined} HeaderValue
 */

const TOKEN = /^[\w\-.!%*+`'~]+$/;
const BREAKS_LINE = /[\r\n\0]/;
const BREAKS_WORD = /[\s\0]/;

/** Headers whose values may not be put into one line, separated by commas (RFC 3261 §7.3.1). */
const NOT_A_LIST = new Set(['www-authenticate', 'proxy-authenticate', 'authorization', 'proxy-authorization']);

/**
 * One header as lines of a message. An array is a list of values. A header without a value
 * (undefined, null, an empty array) is no header.
 *
 * @param {string} name
 * @param {HeaderValue} value
 * @returns {string} '' or lines with their ends
 * @throws {TypeError} `DRT_ERR_INVALID_HEADER`
 */
function headerLine(name, value) {
  checkedName(name);
  if (value === undefined || value === null) return '';
  if (!Array.isArray(value)) return `${name}: ${checkedValue(name, value)}\r\n`;
  const values = value.map((item) => checkedValue(name, item));
  if (values.length === 0) return '';
  return NOT_A_LIST.has(lowerName(name)) ? values.map((item) => `${name}: ${item}\r\n`).join('') : `${name}: ${values.join(',')}\r\n`;
}

/**
 * A header name, if it is one.
 *
 * @param {string} name
 * @throws {TypeError} `DRT_ERR_INVALID_HEADER`
 */
function checkedName(name) {
  if (!TOKEN.test(name)) throw misuse(`invalid header name: ${JSON.stringify(name)}`, 'DRT_ERR_INVALID_HEADER');
  return name;
}

/**
 * The text of a header value.
 *
 * @param {string} name
 * @param {unknown} value
 * @throws {TypeError} `DRT_ERR_INVALID_HEADER` when the value would end its line, and so could
 *   be taken for further headers
 */
function checkedValue(name, value) {
  const text = String(value);
  if (BREAKS_LINE.test(text)) throw misuse(`line break in the value of header ${name}`, 'DRT_ERR_INVALID_HEADER');
  return text;
}

/**
 * A table of headers as lines, in the order and spelling of the table.
 *
 * @param {Record<string, HeaderValue> | null | undefined} headers
 * @returns {string}
 * @throws {TypeError} `DRT_ERR_INVALID_HEADER`
 */
function headerLines(headers) {
  if (headers === undefined || headers === null) return '';
  let lines = '';
  for (const name of Object.keys(headers)) lines += headerLine(name, headers[name]);
  return lines;
}

/**
 * The first line of a request, with its line end.
 *
 * @param {string} method
 * @param {string} uri
 * @throws {TypeError} `DRT_ERR_INVALID_METHOD`, `DRT_ERR_INVALID_REQUEST_URI`
 */
function requestLine(method, uri) {
  if (!TOKEN.test(method)) throw misuse(`invalid method: ${JSON.stringify(method)}`, 'DRT_ERR_INVALID_METHOD');
  if (uri === '' || BREAKS_WORD.test(uri)) throw misuse(`invalid request-uri: ${JSON.stringify(uri)}`, 'DRT_ERR_INVALID_REQUEST_URI');
  return `${method} ${uri} SIP/2.0\r\n`;
}

/**
 * A body with the blank line before it.
 *
 * @param {unknown} body a string, or bytes that are UTF-8 text
 * @throws {TypeError} `DRT_ERR_INVALID_BODY`
 */
function bodyText(body) {
  if (typeof body === 'string') return `\r\n${body}`;
  if (body === undefined || body === null) return '\r\n';
  if (typeof body === 'number') return `\r\n${body}`;
  if (body instanceof Uint8Array && isUtf8(body)) return `\r\n${Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8')}`;
  throw misuse('body must be a string, or a Buffer that holds UTF-8 text', 'DRT_ERR_INVALID_BODY');
}

module.exports = { headerLine, headerLines, checkedName, checkedValue, requestLine, bodyText };
