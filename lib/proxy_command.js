'use strict';

const { misuse } = require('./errors');
const { bodyText, requestLine } = require('./headers/draft');
const { CHANGES, changeLines } = require('./proxy_changes');
const { groupsOf, invalid, readDuration, readForking, readHeaders } = require('./proxy_targets');

/**
 * @typedef {ProxyWays & import('./proxy_changes').ProxyChanges} ProxyOptions
 *
 * @typedef {object} ProxyWays
 * @property {import('./proxy_targets').Destinations} [destination] where to: default the request-URI
 * @property {boolean} [remainInDialog] stay on the path of the dialog (Record-Route)
 * @property {boolean} [recordRoute] the same
 * @property {boolean} [path] the same, as it is called for a REGISTER
 * @property {boolean | number} [followRedirects] try the contacts of a 3xx; a number: so many in a row
 * @property {'simultaneous' | 'parallel' | 'serial' | 'sequential'} [forking] default `serial`
 * @property {string | number} [provisionalTimeout] how long a destination may take to its first response: `2s`, or milliseconds
 * @property {string | number} [finalTimeout] how long it may take to its final response
 * @property {boolean} [wantsFullResponse] false if nothing is to be told of the destinations
 * @property {Record<string, import('./headers/draft').HeaderValue>} [headers] added to what is sent on
 * @property {AbortSignal} [signal] stops the search
 */

/** The options that are true or false. */
const FLAGS = new Set(['remainInDialog', 'recordRoute', 'path', 'wantsFullResponse']);

const KEYS = new Set([...FLAGS, 'destination', 'followRedirects', 'forking', 'provisionalTimeout', 'finalTimeout', 'headers', 'signal', ...CHANGES]);

/** The most redirections in a row that may be asked for. */
const MAX_REDIRECTS = 255;

/** The options that mean nothing where nothing is kept of the request. */
const NEEDS_STATE = Object.freeze(/** @type {const} */ (['followRedirects', 'provisionalTimeout', 'finalTimeout', 'signal', 'wantsFullResponse']));

/** The options that a request inside a dialog has no use for: it goes along its recorded route, once. */
const NOT_INSIDE_DIALOGS = Object.freeze(/** @type {const} */ ([
  'destination', 'remainInDialog', 'recordRoute', 'path', 'followRedirects', 'forking', 'preserveRequestUri', 'followRoutes', 'stateful',
]));

/**
 * The proxy command of the drachtio protocol. What that has no place for stands in the body, in the form of
 * `src/protocol/proxy.rs`; drachtio-server ignores a body.
 *
 * @param {import('./request').Request} req
 * @param {ProxyOptions} options
 * @returns {{head: string, text: string}}
 * @throws {TypeError} `DRT_ERR_INVALID_OPTION`, which names the option
 */
function proxyCommand(req, options) {
  checkKeys(options);
  checkPassing(req, options);
  const { destination, forking, followRedirects = false, wantsFullResponse = options.stateful !== false } = options;
  const redirects = redirectsOf(followRedirects);
  checkSignal(options.signal);
  const groups = req.passing ? [] : groupsOf(destination ?? req.uri, forking);
  if (options.stateful === false) checkStateless(groups, options);
  const targets = groups.length === 1 ? groups[0] : groups.flat();
  const isRecorded = options.remainInDialog || options.recordRoute || options.path;
  const isSimultaneous = readForking(forking) || (groups.length === 1 && targets.length > 1);
  const ways =
    `${isRecorded ? 'remainInDialog' : ''}|${wantsFullResponse ? 'fullResponse' : ''}|${redirects === 0 ? '' : 'followRedirects'}|` +
    `${isSimultaneous ? 'simultaneous' : 'serial'}|` +
    `${readDuration('provisionalTimeout', options.provisionalTimeout)}|${readDuration('finalTimeout', options.finalTimeout)}`;
  let head = `${req.stackTxnId}|${ways}`;
  for (const { uri } of targets) head += `|${uri}`;
  const lines = planLines(groups, targets, typeof followRedirects === 'number' ? redirects : undefined, wantsFullResponse) + changeLines(options);
  const uri = targets[0]?.uri ?? /** @type {string} */ (req.uri);
  const text = requestLine(/** @type {string} */ (req.method), uri) + readHeaders('headers', options.headers) + bodyText(lines === '' ? undefined : `plan\r\n${lines}`);
  return { head, text };
}

/**
 * What the head of the command has no place for.
 *
 * @param {import('./proxy_targets').Target[][]} groups
 * @param {import('./proxy_targets').Target[]} targets those of all groups
 * @param {number | undefined} redirects
 * @param {boolean} wantsProgress
 * @returns {string}
 */
function planLines(groups, targets, redirects, wantsProgress) {
  let lines = wantsProgress ? 'progress\r\n' : '';
  if (redirects !== undefined) lines += `redirects ${redirects}\r\n`;
  const isInHead = groups.length === 1 || groups.every((group) => group.length === 1);
  if (isInHead && targets.every((target) => target.lines === '')) return lines;
  for (const group of groups) {
    lines += 'group\r\n';
    for (const target of group) lines += `target ${target.uri}\r\n${target.lines}`;
  }
  return lines;
}

/**
 * @param {import('./request').Request} req
 * @param {ProxyOptions} options
 */
function checkPassing(req, options) {
  const unused = req.passing ? NOT_INSIDE_DIALOGS.find((option) => options[option] !== undefined) : undefined;
  if (unused !== undefined) throw invalid(unused, options[unused], 'left out: a request inside a dialog goes along its recorded route');
}

/**
 * @param {import('./proxy_targets').Target[][]} groups
 * @param {ProxyOptions} options
 */
function checkStateless(groups, options) {
  if (groups.flat().length > 1) throw invalid('destination', options.destination, "one URI, since 'stateful' is false");
  const unused = NEEDS_STATE.find((option) => options[option]);
  if (unused !== undefined) throw invalid(unused, options[unused], "left out, since 'stateful' is false");
}

/** @param {unknown} options */
function checkKeys(options) {
  if (typeof options !== 'object' || options === null) throw misuse('Request#proxy: options must be an object', 'DRT_ERR_INVALID_OPTION');
  const given = /** @type {Record<string, unknown>} */ (options);
  for (const key of Object.keys(given)) {
    const value = given[key];
    if (value === undefined) continue;
    if (!KEYS.has(key)) throw misuse(`Request#proxy: unknown option '${key}'`, 'DRT_ERR_INVALID_OPTION');
    if (FLAGS.has(key) && value !== null && typeof value !== 'boolean') throw invalid(key, value, 'true or false');
  }
}

/** @param {unknown} value */
function redirectsOf(value) {
  if (typeof value === 'boolean' || value === null) return value ? 1 : 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_REDIRECTS) return value;
  throw invalid('followRedirects', value, `true, false or a whole number up to ${MAX_REDIRECTS}`);
}

/** @param {unknown} signal */
function checkSignal(signal) {
  if (signal === undefined || signal === null || signal instanceof AbortSignal) return;
  throw misuse("Request#proxy: option 'signal' must be an AbortSignal", 'DRT_ERR_INVALID_OPTION');
}

module.exports = { proxyCommand };
