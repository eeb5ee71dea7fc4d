'use strict';

const { parseParams, split, splitList } = require('./scan');
const { splitHostPort } = require('./uri');

/**
 * @typedef {{version: string, protocol: string, host: string, port: number | undefined,
 *   params: Record<string, string | undefined>}} Via
 */

/**
 * Parses a Via (RFC 3261 §20.42), all its values. An IPv6 host keeps its brackets.
 *
 * @param {string} text
 * @returns {Via[]}
 */
function parseVias(text) {
  return splitList(text).map(parseVia);
}

/**
 * @param {string} text
 * @returns {Via}
 */
function parseVia(text) {
  const [head, ...params] = split(text, ';');
  // SIP / 2.0 / UDP host:port, with optional blanks around the slashes and the colon
  const [, version = '', rest = ''] = head.split('/', 3).map((part) => part.trim());
  const blank = rest.search(/\s/);
  const protocol = blank === -1 ? rest : rest.slice(0, blank);
  const sentBy = blank === -1 ? '' : rest.slice(blank);
  const { host, port } = splitHostPort(sentBy.replace(/\s/g, ''));
  return { version, protocol, host, port, params: parseParams(params, undefined) };
}

module.exports = { parseVias };
