'use strict';

/**
 * What a web server may say about a request: an object with `action` and `data`.
 *
 * | action | data |
 * |---|---|
 * | `reject` | `status`, `reason` |
 * | `redirect` | `contact`: a text or an array of them |
 * | `proxy` | `destination`: a text or an array, `recordRoute`, `followRedirects`, `simultaneous`, `provisionalTimeout`, `finalTimeout` |
 * | `route` | `uri`: `host:port` with or without `;transport=tls`, or `tag` |
 *
 * @typedef {{kind: 'reject', status: number, reason: string | undefined}
 *   | {kind: 'redirect', contacts: string[]}
 *   | {kind: 'proxy', options: import('../proxy_command').ProxyOptions}
 *   | {kind: 'connect', place: Place}
 *   | {kind: 'tag', tag: string}} Action
 */

/** @typedef {{transport: 'tcp' | 'tls', host: string}} Place `host`: with its port */

/** How long a destination may take to answer, unless it is said. */
const PROVISIONAL_TIMEOUT = '5s';
const FINAL_TIMEOUT = '60s';

const HAS_PORT = /^(?:\[[\da-f:.]+\]|[\w.-]+):\d{1,5}$/i;
const DURATION = /^\d{1,9}(?:ms|s)$/;

/**
 * Reads what a web server has said.
 *
 * @param {unknown} answer
 * @returns {Action}
 * @throws {Error} that says what is wrong with it
 */
function readAction(answer) {
  const { action, data } = object(answer, 'the answer');
  const what = object(data, 'data');
  switch (action) {
    case 'reject':
      return readReject(what);
    case 'redirect':
      return { kind: 'redirect', contacts: texts(what.contact, 'data.contact').map(nameAddr) };
    case 'proxy':
      return { kind: 'proxy', options: readProxy(what) };
    case 'route':
      return readRoute(what);
    default:
      throw new Error(`there is no action '${String(action).slice(0, 40)}'`);
  }
}

/** @param {Record<string, unknown>} data @returns {Action} */
function readReject({ status, reason }) {
  if (!Number.isInteger(status) || Number(status) < 300 || Number(status) > 699) throw new Error("'data.status' is no status from 300 to 699");
  if (reason !== undefined && (typeof reason !== 'string' || /[\r\n\0]/.test(reason))) throw new Error("'data.reason' is no text of one line");
  return { kind: 'reject', status: Number(status), reason: reason || undefined };
}

/** @param {Record<string, unknown>} data */
function readProxy(data) {
  return {
    destination: texts(data.destination, 'data.destination'),
    recordRoute: flag(data.recordRoute, false),
    followRedirects: flag(data.followRedirects, true),
    forking: /** @type {'simultaneous' | 'serial'} */ (flag(data.simultaneous, false) ? 'simultaneous' : 'serial'),
    provisionalTimeout: duration(data.provisionalTimeout, PROVISIONAL_TIMEOUT),
    finalTimeout: duration(data.finalTimeout, FINAL_TIMEOUT),
    wantsFullResponse: false,
  };
}

/** @param {Record<string, unknown>} data @returns {Action} */
function readRoute({ uri, tag }) {
  if (typeof tag === 'string' && tag !== '') return { kind: 'tag', tag };
  if (typeof uri !== 'string') throw new Error("'data' has neither 'uri' nor 'tag'");
  const [host, ...params] = uri.replace(/^sips?:/i, '').split(';');
  const transport = params.map((param) => param.trim().toLowerCase()).find((param) => param.startsWith('transport='));
  if (!HAS_PORT.test(host)) throw new Error("'data.uri' is no host with a port");
  if (transport === undefined || transport === 'transport=tcp') return { kind: 'connect', place: { transport: 'tcp', host } };
  if (transport === 'transport=tls') return { kind: 'connect', place: { transport: 'tls', host } };
  throw new Error("'data.uri' has a transport that is neither tcp nor tls");
}

/**
 * @param {unknown} value
 * @param {string} name
 */
function object(value, name) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${name} is no object`);
  return /** @type {Record<string, unknown>} */ (value);
}

/**
 * @param {unknown} value
 * @param {string} name
 */
function texts(value, name) {
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0 || !list.every((text) => typeof text === 'string' && text !== '')) throw new Error(`'${name}' is no text and no array of texts`);
  return /** @type {string[]} */ (list);
}

/** @param {string} contact a URI, or one with a name before it */
function nameAddr(contact) {
  return contact.includes('<') ? contact : `<${contact}>`;
}

/**
 * @param {unknown} value
 * @param {boolean} otherwise
 */
function flag(value, otherwise) {
  return typeof value === 'boolean' ? value : otherwise;
}

/**
 * @param {unknown} value
 * @param {string} otherwise
 */
function duration(value, otherwise) {
  if (value === undefined) return otherwise;
  if (typeof value !== 'string' || !DURATION.test(value)) throw new Error("a time is a number with 'ms' or 's'");
  return value;
}

module.exports = { readAction };
