'use strict';

const { parseUri } = require('../headers/uri');

/** @typedef {import('./options').RequestHandler} RequestHandler */
/** @typedef {import('../request').Request} Request */

const ANY = '*';

/** The parameters of a query that say something of the request. A parameter of its URI does not take their place. */
const FIXED = ['method', 'domain', 'protocol', 'source_address', 'fromUser', 'toUser', 'uriUser', 'contentType', 'uri'];

/** Which requests are routed by somebody else than the applications that have asked for them. */
class RequestHandlers {
  /** @type {Map<string, RequestHandler>} */
  #byMethod = new Map();

  /** @param {RequestHandler[]} handlers the first one for a method counts */
  constructor(handlers) {
    for (const handler of handlers) {
      if (!this.#byMethod.has(handler.method)) this.#byMethod.set(handler.method, handler);
    }
  }

  /** The methods, in the words of the engine. */
  get verbs() {
    return [...this.#byMethod.keys()].map((method) => method.toLowerCase());
  }

  /**
   * Who says what becomes of a request: the one for its method, or else the one for all.
   *
   * @param {string} method
   */
  find(method) {
    return this.#byMethod.get(method.toUpperCase()) ?? this.#byMethod.get(ANY);
  }
}

/**
 * The URL that is asked about a request: what is known of the request stands in its query.
 *
 * @param {string} base
 * @param {Request} req
 */
function lookupUrl(base, req) {
  const url = new URL(base);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  const query = url.searchParams;
  const uri = parseUri(req.uri);
  const [contentType] = (req.get('content-type') ?? '').split(';', 1);
  const known = {
    method: req.method,
    domain: uri !== undefined && 'host' in uri ? uri.host : '',
    protocol: req.protocol,
    source_address: req.source_address,
    fromUser: userOf(uriOf(req, 'from')),
    toUser: userOf(uriOf(req, 'to')),
    uriUser: userOf(uri),
    contentType: contentType.trim(),
    uri: req.uri,
  };
  for (const name of FIXED) query.set(name, String(known[/** @type {keyof typeof known} */ (name)] ?? ''));
  for (const [name, value] of Object.entries(uri?.params ?? {})) {
    if (!FIXED.includes(name)) query.append(name, value ?? '');
  }
  return url;
}

/**
 * @param {Request} req
 * @param {'from' | 'to'} name
 */
function uriOf(req, name) {
  return parseUri(/** @type {{uri?: string} | undefined} */ (req.getParsedHeader(name))?.uri);
}

/** @param {ReturnType<typeof parseUri>} uri */
function userOf(uri) {
  if (uri === undefined) return '';
  return 'number' in uri ? uri.number : (uri.user ?? '');
}

module.exports = { RequestHandlers, lookupUrl };
