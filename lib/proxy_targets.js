'use strict';

const { misuse } = require('./errors');
const { headerLines } = require('./headers/draft');

/**
 * One destination of a proxied request.
 *
 * @typedef {object} ProxyTarget
 * @property {string} uri
 * @property {number} [q] its preference, from 0 to 1
 * @property {Record<string, import('./headers/draft').HeaderValue>} [headers] added to what is sent to it
 * @property {string | number} [provisionalTimeout] in place of the one for all
 * @property {string | number} [finalTimeout] in place of the one for all
 * @property {'udp' | 'tcp' | 'tls' | 'ws' | 'wss'} [transport] to send by, whatever the URI says
 * @property {string | readonly string[]} [via] the URI of the next hop, or the hops as a Path names them
 *
 * @typedef {string | ProxyTarget} Destination
 * @typedef {Destination | readonly (Destination | readonly Destination[])[]} Destinations
 *
 * @typedef {object} Target a destination as the engine is told of it
 * @property {string} uri
 * @property {number | undefined} q
 * @property {string} lines what is said of it besides
 */

/** The most destinations of one request; the engine has the same limit. */
const MAX_TARGETS = 64;

const TRANSPORTS = new Set(['udp', 'tcp', 'tls', 'ws', 'wss']);
const KEYS = new Set(['uri', 'q', 'headers', 'provisionalTimeout', 'finalTimeout', 'transport', 'via']);

const HAS_SCHEME = /^(?:sips?|tel|urn):/i;
const NOT_A_TOKEN = /[\s|\0]/;
const BREAKS_LINE = /[\r\n\0]/;
const DURATION = /^\d{1,9}(?:ms|s)$/;

/** The longest time that a number of milliseconds may say: 24 hours. */
const DAY = 86_400_000;

/** The q of a destination without one, as of a Contact (RFC 3261 §10.2.1.2 leaves it open; registrars take the highest). */
const DEFAULT_Q = 1;

/**
 * Puts destinations into groups: one group is tried after the other, the destinations of a group at once.
 *
 * @param {unknown} destination
 * @param {unknown} forking
 * @returns {Target[][]}
 * @throws {TypeError} `DRT_ERR_INVALID_OPTION`
 */
function groupsOf(destination, forking) {
  // What most calls are: there is nothing to put in order.
  if (typeof destination === 'string' && FORKINGS.has(/** @type {string | undefined} */ (forking))) return [[targetOf(destination, 'destination')]];
  const list = Array.isArray(destination) ? destination : [destination];
  if (list.length === 0) throw invalid('destination', destination, 'one or more URIs');
  const isNested = list.some(Array.isArray);
  const groups = list.map((item, at) => groupOf(item, Array.isArray(destination) ? `destination[${at}]` : 'destination'));
  const targets = groups.flat();
  if (targets.length > MAX_TARGETS) throw misuse(`Request#proxy: option 'destination' may not name more than ${MAX_TARGETS} URIs`, 'DRT_ERR_INVALID_OPTION');
  const isSimultaneous = readForking(forking);
  const hasOrder = isNested || targets.some(({ q }) => q !== undefined);
  if (hasOrder && isSimultaneous) throw invalid('forking', forking, "'serial', or left out, when groups or a q say what is tried when");
  if (isNested) return nested(groups, forking);
  if (isSimultaneous) return [targets];
  return hasOrder ? byPreference(targets, forking === undefined) : targets.map((target) => [target]);
}

/**
 * @param {Target[][]} groups
 * @param {unknown} forking
 */
function nested(groups, forking) {
  if (forking !== undefined) throw invalid('forking', forking, 'left out, when groups say what is tried when');
  if (groups.flat().some(({ q }) => q !== undefined)) throw misuse("Request#proxy: option 'destination' must have either groups or a q", 'DRT_ERR_INVALID_OPTION');
  return groups;
}

/**
 * The highest q first (RFC 3261 §16.6).
 *
 * @param {Target[]} targets
 * @param {boolean} atOnce whether those of the same q are tried at once
 */
function byPreference(targets, atOnce) {
  const q = (/** @type {Target} */ target) => target.q ?? DEFAULT_Q;
  /** @type {Target[][]} */
  const groups = [];
  for (const target of [...targets].sort((a, b) => q(b) - q(a))) {
    const last = groups[groups.length - 1];
    if (atOnce && last !== undefined && q(last[0]) === q(target)) last.push(target);
    else groups.push([target]);
  }
  return groups;
}

/**
 * @param {unknown} item
 * @param {string} name
 * @returns {Target[]}
 */
function groupOf(item, name) {
  if (!Array.isArray(item)) return [targetOf(item, name)];
  if (item.length === 0) throw invalid(name, item, 'one or more URIs');
  return item.map((one, at) => targetOf(one, `${name}[${at}]`));
}

/**
 * @param {unknown} item
 * @param {string} name
 * @returns {Target}
 */
function targetOf(item, name) {
  if (typeof item === 'string') return { uri: readUri(item, name), q: undefined, lines: '' };
  if (typeof item !== 'object' || item === null || Array.isArray(item)) throw invalid(name, item, 'a URI, or an object with a uri');
  const unknown = Object.keys(item).find((key) => !KEYS.has(key));
  if (unknown !== undefined) throw misuse(`Request#proxy: unknown option '${name}.${unknown}'`, 'DRT_ERR_INVALID_OPTION');
  const { uri, q, headers, provisionalTimeout, finalTimeout, transport, via } = /** @type {ProxyTarget} */ (item);
  if (q !== undefined && !(typeof q === 'number' && q >= 0 && q <= 1)) throw invalid(`${name}.q`, q, 'a number from 0 to 1');
  if (transport !== undefined && !TRANSPORTS.has(transport)) throw invalid(`${name}.transport`, transport, [...TRANSPORTS].map((one) => `'${one}'`).join(' or '));
  const said = [
    ['via', readHops(via, `${name}.via`)],
    ['transport', transport ?? ''],
    ['provisional-timeout', readDuration(`${name}.provisionalTimeout`, provisionalTimeout)],
    ['final-timeout', readDuration(`${name}.finalTimeout`, finalTimeout)],
  ];
  return {
    uri: readUri(uri, `${name}.uri`),
    q,
    lines: said.map(([keyword, value]) => (value === '' ? '' : `${keyword} ${value}\r\n`)).join('') + headersOf(`${name}.headers`, headers),
  };
}

/**
 * @param {string} option
 * @param {unknown} headers
 * @returns {string} lines of `header <name>: <value>`
 */
function headersOf(option, headers) {
  return readHeaders(option, headers)
    .split('\r\n')
    .map((line) => (line === '' ? '' : `header ${line}\r\n`))
    .join('');
}

/**
 * A table of headers as lines of a message.
 *
 * @param {string} option
 * @param {unknown} headers
 */
function readHeaders(option, headers) {
  if (headers === undefined || headers === null) return '';
  if (typeof headers !== 'object' || Array.isArray(headers)) throw invalid(option, headers, 'an object of headers');
  return headerLines(/** @type {Record<string, import('./headers/draft').HeaderValue>} */ (headers));
}

/**
 * @param {unknown} uri
 * @param {string} name
 */
function readUri(uri, name) {
  if (typeof uri !== 'string' || uri === '' || NOT_A_TOKEN.test(uri)) throw invalid(name, uri, 'a URI');
  return HAS_SCHEME.test(uri) ? uri : `sip:${uri}`;
}

/**
 * @param {unknown} via a URI, several, or the value of a Path
 * @param {string} name
 * @returns {string} a URI, or a list with brackets; '' for none
 */
function readHops(via, name) {
  if (via === undefined || via === null) return '';
  if (typeof via === 'string' && via.startsWith('<')) {
    if (BREAKS_LINE.test(via)) throw invalid(name, via, 'a URI, or the value of a Path');
    return via;
  }
  if (!Array.isArray(via)) return readUri(via, name);
  if (via.length === 0) throw invalid(name, via, 'one or more URIs');
  return via.map((uri, at) => (typeof uri === 'string' && uri.startsWith('<') ? readHops(uri, `${name}[${at}]`) : `<${readUri(uri, `${name}[${at}]`)}>`)).join(',');
}

/**
 * @param {string} option
 * @param {unknown} value
 * @returns {string} as in `2s`; '' for none
 */
function readDuration(option, value) {
  if (value === undefined || value === null || value === '') return '';
  if (typeof value === 'number') {
    if (!(value >= 0 && value <= DAY)) throw invalid(option, value, `from 0 to ${DAY} milliseconds`);
    return `${Math.round(value)}ms`;
  }
  if (typeof value !== 'string' || !DURATION.test(value)) throw invalid(option, value, "a time such as '2s' or '1500ms', or a number of milliseconds");
  return value;
}

const FORKINGS = new Map([
  [undefined, false],
  ['serial', false],
  ['sequential', false],
  ['simultaneous', true],
  ['parallel', true],
]);

/**
 * @param {unknown} forking
 * @returns {boolean} whether it says that all are tried at once
 */
function readForking(forking) {
  const isSimultaneous = FORKINGS.get(/** @type {string | undefined} */ (forking));
  if (isSimultaneous === undefined) throw invalid('forking', forking, "'simultaneous' or 'serial'");
  return isSimultaneous;
}

/**
 * @param {string} option
 * @param {unknown} value
 * @param {string} wanted
 */
function invalid(option, value, wanted) {
  return misuse(`Request#proxy: option '${option}' must be ${wanted}, not ${JSON.stringify(value)}`, 'DRT_ERR_INVALID_OPTION');
}

module.exports = { groupsOf, invalid, readDuration, readForking, readHeaders };
