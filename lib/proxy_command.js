'use strict';

const { misuse } = require('./errors');
const { bodyText, headerLines, requestLine } = require('./headers/draft');

/**
 * @typedef {object} ProxyOptions
 * @property {string | readonly string[]} [destination] where to: URIs in the order of preference; default the request-URI
 * @property {boolean} [remainInDialog] stay on the path of the dialog (Record-Route)
 * @property {boolean} [recordRoute] the same
 * @property {boolean} [path] the same, as it is called for a REGISTER
 * @property {boolean} [followRedirects] try the contacts of a 3xx
 * @property {'simultaneous' | 'parallel' | 'serial' | 'sequential'} [forking] default `serial`
 * @property {string} [provisionalTimeout] how long a destination may take to its first response, as in `2s` or `1500ms`
 * @property {string} [finalTimeout] how long it may take to its final response
 * @property {boolean} [wantsFullResponse] false if the final responses of the destinations are not wanted
 * @property {Record<string, import('./headers/draft').HeaderValue>} [headers] added to what is sent on
 */

const SIMULTANEOUS = new Map([
  [undefined, false],
  ['serial', false],
  ['sequential', false],
  ['simultaneous', true],
  ['parallel', true],
]);

const HAS_SCHEME = /^(?:sips?|tel|urn):/i;
const NOT_A_TOKEN = /[\s|\0]/;
const DURATION = /^\d{1,9}(?:ms|s)$/;

/**
 * The proxy command of the drachtio protocol.
 *
 * @param {import('./request').Request} req
 * @param {ProxyOptions} options
 * @returns {{head: string, text: string}}
 * @throws {TypeError} `DRT_ERR_INVALID_OPTION`, which names the option
 */
function proxyCommand(req, options) {
  const destinations = destinationsOf(options.destination ?? req.uri);
  const simultaneous = SIMULTANEOUS.get(options.forking);
  if (simultaneous === undefined) throw invalid('forking', options.forking, "'simultaneous' or 'serial'");
  const head = [
    req.stackTxnId,
    options.remainInDialog || options.recordRoute || options.path ? 'remainInDialog' : '',
    options.wantsFullResponse === false ? '' : 'fullResponse',
    options.followRedirects ? 'followRedirects' : '',
    simultaneous ? 'simultaneous' : 'serial',
    duration('provisionalTimeout', options.provisionalTimeout),
    duration('finalTimeout', options.finalTimeout),
    ...destinations,
  ].join('|');
  const text = requestLine(/** @type {string} */ (req.method), destinations[0]) + headerLines(options.headers) + bodyText(undefined);
  return { head, text };
}

/** @param {unknown} destination */
function destinationsOf(destination) {
  const list = Array.isArray(destination) ? destination : [destination];
  if (list.length === 0) throw invalid('destination', destination, 'one or more URIs');
  return list.map((uri) => {
    if (typeof uri !== 'string' || uri === '' || NOT_A_TOKEN.test(uri)) throw invalid('destination', uri, 'a URI');
    return HAS_SCHEME.test(uri) ? uri : `sip:${uri}`;
  });
}

/**
 * @param {string} option
 * @param {unknown} value
 */
function duration(option, value) {
  if (value === undefined || value === null || value === '') return '';
  if (!DURATION.test(String(value))) throw invalid(option, value, "a time such as '2s' or '1500ms'");
  return String(value);
}

/**
 * @param {string} option
 * @param {unknown} value
 * @param {string} wanted
 */
function invalid(option, value, wanted) {
  return misuse(`Request#proxy: option '${option}' must be ${wanted}, not ${JSON.stringify(value)}`, 'DRT_ERR_INVALID_OPTION');
}

module.exports = { proxyCommand };
