'use strict';

const { define, parseParams } = require('./scan');

const HOST = /^(?:[\w.-]+|\[[\da-f:.%]+\])$/i;

/**
 * @typedef {object} SipUri
 * @property {'ipv4' | 'ipv6'} family `ipv6` when the host is an IPv6 address, in its brackets
 * @property {'sip' | 'sips'} scheme
 * @property {'sip' | 'sips'} schema the same, by the name it had up to drachtio 4.1
 * @property {string | undefined} user as written, escapes and all
 * @property {string | undefined} password
 * @property {string} host
 * @property {number} port NaN when the URI has none
 * @property {Record<string, string | null>} params null for a parameter without a value
 * @property {Record<string, string>} headers
 */

/**
 * @typedef {object} TelUri
 * @property {'tel'} scheme
 * @property {'tel'} schema
 * @property {string} number
 * @property {string | null} context the phone-context
 * @property {Record<string, string | null>} params
 */

/**
 * Parses a SIP, SIPS or TEL URI (RFC 3261 §19.1, RFC 3966). Angle brackets around it are taken off.
 *
 * @param {unknown} text an object comes back as it is
 * @returns {SipUri | TelUri | undefined} undefined for what is no such URI
 */
function parseUri(text) {
  if (typeof text === 'object' && text !== null) return /** @type {SipUri | TelUri} */ (text);
  if (typeof text !== 'string') return undefined;
  let uri = text.trim();
  if (uri.startsWith('<') && uri.endsWith('>')) uri = uri.slice(1, -1).trim();
  const colon = uri.indexOf(':');
  if (colon === -1 || /\s/.test(uri)) return undefined;
  const scheme = uri.slice(0, colon).toLowerCase();
  const rest = uri.slice(colon + 1);
  if (scheme === 'sip' || scheme === 'sips') return parseSipUri(scheme, rest);
  return scheme === 'tel' ? parseTelUri(rest) : undefined;
}

/**
 * @param {'sip' | 'sips'} scheme
 * @param {string} text
 * @returns {SipUri | undefined}
 */
function parseSipUri(scheme, text) {
  // The user part may hold ; and ? but no @ (RFC 3261 §25.1).
  const at = text.indexOf('@');
  const [user, password] = at === -1 ? [] : cut(text.slice(0, at), ':');
  const [address, headers] = cut(text.slice(at + 1), '?');
  const [hostPort, ...params] = address.split(';');
  const { host, port = NaN, valid } = splitHostPort(hostPort);
  if (!valid || !HOST.test(host) || user === '') return undefined;
  return {
    family: host.startsWith('[') ? 'ipv6' : 'ipv4',
    scheme,
    schema: scheme,
    user,
    password,
    host,
    port,
    params: parseParams(params, null),
    headers: parseUriHeaders(headers),
  };
}

/**
 * @param {string} text
 * @returns {TelUri | undefined}
 */
function parseTelUri(text) {
  const [number, ...pieces] = text.split(';');
  if (number === '') return undefined;
  const params = parseParams(pieces, null);
  return { scheme: 'tel', schema: 'tel', number, context: params['phone-context'] ?? null, params };
}

/** @param {string | undefined} text */
function parseUriHeaders(text) {
  /** @type {Record<string, string>} */
  const headers = {};
  for (const piece of text === undefined ? [] : text.split('&')) {
    const [name, value = ''] = cut(piece, '=');
    if (name !== '') define(headers, name, value);
  }
  return headers;
}

/**
 * Splits `host:port`, where the host may be an IPv6 address in brackets.
 *
 * @param {string} text
 * @returns {{host: string, port: number | undefined, valid: boolean}} `valid` is false when what
 *   follows the host is no port
 */
function splitHostPort(text) {
  const bracket = text.startsWith('[') ? text.indexOf(']') : -1;
  const end = bracket === -1 ? text.indexOf(':') : bracket + 1;
  if (end === -1 || end === text.length) return { host: text, port: undefined, valid: true };
  const digits = text.slice(end + 1);
  const valid = text.charAt(end) === ':' && /^\d{1,5}$/.test(digits);
  return { host: text.slice(0, end), port: valid ? Number(digits) : undefined, valid };
}

/**
 * The opposite of `splitHostPort`.
 *
 * @param {string} host a name or an address; one of IPv6 with its brackets or without
 * @param {number | string} port
 */
function joinHostPort(host, port) {
  return `${bracketed(host)}:${port}`;
}

/** @param {string} host */
function bracketed(host) {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/**
 * The text of a parsed URI.
 *
 * @param {Partial<SipUri & TelUri> | Partial<SipUri> | Partial<TelUri>} uri
 * @returns {string}
 */
function stringifyUri(uri) {
  const { user, password, host = '', port, number, params = {}, headers = {}, ...rest } = /** @type {Partial<SipUri> & {number?: string}} */ (uri);
  const scheme = rest.scheme ?? rest.schema ?? 'sip';
  const tail = Object.entries(params).map(([name, value]) => (value === null || value === undefined ? `;${name}` : `;${name}=${value}`));
  if (number !== undefined) return `${scheme}:${number}${tail.join('')}`;
  const query = Object.entries(headers).map(([name, value]) => `${name}=${value}`);
  return [
    `${scheme}:`,
    user ? `${user}${password === undefined ? '' : `:${password}`}@` : '',
    bracketed(host),
    port ? `:${port}` : '',
    ...tail,
    query.length > 0 ? `?${query.join('&')}` : '',
  ].join('');
}

/**
 * @param {string} text
 * @param {string} separator
 * @returns {[string, string | undefined]}
 */
function cut(text, separator) {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

module.exports = { joinHostPort, parseUri, splitHostPort, stringifyUri };
