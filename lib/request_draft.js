'use strict';

const { DrachtioError, misuse } = require('./errors');
const { bodyText, headerLines, requestLine } = require('./headers/draft');

/**
 * @typedef {import('./request').Request} Request
 * @typedef {import('./response').Response} Response
 * @typedef {{username: string, password: string, realm?: string}} Credentials
 * @typedef {(req: Request, res: Response, callback: (err: unknown, username?: string, password?: string) => void) => void} AuthFunction
 * @typedef {Credentials | AuthFunction} Auth
 *
 * @typedef {object} RequestOptions
 * @property {string} [uri] the request-URI; not needed inside a dialog
 * @property {string} [method]
 * @property {Record<string, import('./headers/draft').HeaderValue>} [headers]
 * @property {string | Uint8Array} [body]
 * @property {Auth} [auth] answers a challenge
 * @property {string} [proxy] a SIP URI to send to, instead of the request-URI
 * @property {string} [stackDialogId] the dialog to send in
 * @property {'first' | 'all'} [forks] with which of the places that accept an INVITE there is a call: `'first'` by default
 * @property {string} [stackTxnId] the request that a CANCEL is for
 * @property {unknown} [_socket] the connection to a server by which to send, as `req.socket` is
 * @property {AbortSignal} [signal] cancels an INVITE, or gives up waiting for the answer to another request
 *
 * @typedef {object} RequestDraft a request as the engine is asked for it
 * @property {string} head
 * @property {string} text
 * @property {Auth} [auth]
 * @property {RequestOptions & {method: string, uri: string}} [options] what it was made from
 * @property {import('./digest_client').Answered[]} [answered] the challenges that it answers
 * @property {number} [repetitions] how many times it was sent before
 */

/** What stands for the request-URI of a request inside a dialog: the engine knows the target. */
const IN_DIALOG = 'sip:placeholder';

/**
 * Reads the arguments of `app.request`: `(options, callback)`, `(uri, options, callback)`, and
 * either of them with the socket of drachtio 4.x before it.
 *
 * @param {unknown[]} args
 * @returns {{options: RequestOptions, callback: import('./request').RequestCallback | undefined}}
 */
function readArguments(args) {
  const [first, second] = args;
  const withSocket = isObject(first) && (typeof second === 'string' || isObject(second));
  const [target, ...rest] = withSocket ? args.slice(1) : args;
  if (isObject(target)) return { options: target, callback: asCallback(rest[0]) };
  if (typeof target !== 'string') {
    throw coded(new Error(`${target} is not a valid request_uri or options object.`), 'DRT_ERR_INVALID_ARGUMENT');
  }
  if (isObject(rest[0])) return { options: { ...rest[0], uri: target }, callback: asCallback(rest[1]) };
  return { options: { uri: target }, callback: asCallback(rest[0]) };
}

/**
 * The draft of a request. The options stay as they are.
 *
 * @param {RequestOptions} options
 * @returns {RequestDraft}
 * @throws {TypeError} with a code and the name of what is wrong
 */
function draftRequest(options) {
  const { stackTxnId = '', stackDialogId = '', proxy = '', forks = 'first', headers, body, auth } = options;
  if (typeof options.method !== 'string') {
    throw misuse("Cannot read properties of undefined (reading 'toUpperCase'): request needs a method, as in {method: 'OPTIONS'}", 'DRT_ERR_INVALID_METHOD');
  }
  const method = options.method.toUpperCase();
  const uri = options.uri ?? (stackDialogId === '' ? undefined : IN_DIALOG);
  if (typeof uri !== 'string') throw misuse('request needs a uri, or a stackDialogId', 'DRT_ERR_INVALID_REQUEST_URI');
  checkHead('stackTxnId', stackTxnId, /[|\s\0]/);
  checkHead('proxy', proxy, /[|\s\0]/);
  checkHead('stackDialogId', stackDialogId, /[\r\n\0]/);
  if (forks !== 'first' && forks !== 'all') {
    throw misuse(`request: option 'forks' must be 'first' or 'all', not ${JSON.stringify(forks)}`, 'DRT_ERR_INVALID_OPTION');
  }
  checkAuth(auth);
  checkSignal(options.signal);
  return {
    head: `${stackTxnId}|${proxy}${forks === 'all' ? ' forks=all' : ''}|${stackDialogId}`,
    text: requestLine(method, uri) + headerLines(headers) + bodyText(body),
    auth,
    options: { ...options, method, uri },
  };
}

/**
 * @param {string} option
 * @param {unknown} value
 * @param {RegExp} wrong
 */
function checkHead(option, value, wrong) {
  if (typeof value !== 'string' || wrong.test(value)) {
    throw misuse(`request: option '${option}' is not valid: ${JSON.stringify(value)}`, 'DRT_ERR_INVALID_OPTION');
  }
}

/** @param {unknown} auth */
function checkAuth(auth) {
  if (auth === undefined || auth === null || typeof auth === 'function') return;
  const { username, password, realm = '' } = /** @type {Record<string, unknown>} */ (auth);
  if ([username, password, realm].every((part) => typeof part === 'string')) return;
  throw misuse("request: option 'auth' must be {username, password, realm?} or a function", 'DRT_ERR_INVALID_OPTION');
}

/** @param {unknown} signal */
function checkSignal(signal) {
  if (signal === undefined || signal === null || signal instanceof AbortSignal) return;
  throw misuse("request: option 'signal' must be an AbortSignal", 'DRT_ERR_INVALID_OPTION');
}

/**
 * @param {unknown} value
 * @returns {value is RequestOptions}
 */
function isObject(value) {
  return typeof value === 'object' && value !== null;
}

/** @param {unknown} value */
function asCallback(value) {
  return typeof value === 'function' ? /** @type {import('./request').RequestCallback} */ (value) : undefined;
}

/**
 * @param {Error} err
 * @param {string} code
 */
function coded(err, code) {
  return Object.assign(err, { code });
}

/**
 * What a call fails with that needs an engine, before `connect`.
 *
 * @param {string} [call]
 */
function notConnected(call = 'request') {
  return new DrachtioError(`cannot call app#${call} in unconnected state`, 'DRT_ERR_NOT_CONNECTED');
}

module.exports = { readArguments, draftRequest, notConnected };
