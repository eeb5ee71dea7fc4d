'use strict';

const { checkedName, headerLine } = require('./headers/draft');
const { invalid } = require('./proxy_targets');

/** @typedef {import('./headers/draft').HeaderValue} HeaderValue */

/**
 * What is changed in a request that is sent on.
 *
 * @typedef {object} ProxyChanges
 * @property {Record<string, HeaderValue>} [setHeaders] headers that take the place of all of their name; one without a
 *   value is taken off
 * @property {string | readonly string[]} [removeHeaders] names of headers that are taken off
 * @property {boolean} [preserveRequestUri] true: the request-URI stays as the caller wrote it; false: it becomes the
 *   destination; by default it becomes the destination if it named this host
 * @property {boolean} [followRoutes] go along the Route headers that the request has come with, instead of taking them off
 * @property {boolean} [stateful] false: nothing is kept of the request (RFC 3261 §16.11)
 */

/** The names of these options. */
const CHANGES = Object.freeze(/** @type {const} */ (['setHeaders', 'removeHeaders', 'preserveRequestUri', 'followRoutes', 'stateful']));

/**
 * The lines that say it in the body of a proxy command.
 *
 * @param {ProxyChanges} options
 * @returns {string}
 * @throws {TypeError} `DRT_ERR_INVALID_OPTION`, `DRT_ERR_INVALID_HEADER`
 */
function changeLines(options) {
  return (
    setLines(options.setHeaders) +
    removeLines(options.removeHeaders) +
    flagLine('preserveRequestUri', options.preserveRequestUri, 'request-uri keep\r\n', 'request-uri replace\r\n') +
    flagLine('followRoutes', options.followRoutes, 'routes follow\r\n', '') +
    flagLine('stateful', options.stateful, '', 'stateless\r\n')
  );
}

/** @param {unknown} headers */
function setLines(headers) {
  if (headers === undefined || headers === null) return '';
  if (typeof headers !== 'object' || Array.isArray(headers)) throw invalid('setHeaders', headers, 'a table of headers');
  let lines = '';
  for (const [name, value] of Object.entries(headers)) {
    const values = headerLine(name, value).split('\r\n').filter(Boolean);
    lines += values.length === 0 ? `remove ${name}\r\n` : values.map((line) => `set ${line}\r\n`).join('');
  }
  return lines;
}

/** @param {unknown} names */
function removeLines(names) {
  if (names === undefined || names === null) return '';
  let lines = '';
  for (const name of [names].flat()) {
    if (typeof name !== 'string') throw invalid('removeHeaders', name, 'a name, or several');
    lines += `remove ${checkedName(name)}\r\n`;
  }
  return lines;
}

/**
 * @param {string} option
 * @param {unknown} value
 * @param {string} yes what true says
 * @param {string} no what false says
 */
function flagLine(option, value, yes, no) {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'boolean') throw invalid(option, value, 'true or false');
  return value ? yes : no;
}

module.exports = { CHANGES, changeLines };
