'use strict';

const { timingSafeEqual } = require('node:crypto');
const { ALGORITHM_NAMES, algorithmOf, digestOf, quote, secretOf } = require('./digest');
const { misuse } = require('./errors');
const { readAuth } = require('./headers/auth');
const { unquote } = require('./headers/scan');
const { parseUri } = require('./headers/uri');
const { Nonces } = require('./nonces');

/** @typedef {import('./request').Request} Request */
/** @typedef {import('./response').Response} Response */
/** @typedef {import('./digest').Algorithm} Algorithm */

/**
 * A password, or what stands for it: H(A1) by algorithm.
 *
 * @typedef {string | {ha1: Record<string, string>} | null | undefined} Password
 * @typedef {(username: string, realm: string, req: Request) => Password | Promise<Password>} PasswordFunction
 *
 * @typedef {object} Authorization what is known of who sent a request
 * @property {string} username
 * @property {string} realm
 * @property {string} nonce
 * @property {string} uri
 * @property {string} algorithm
 * @property {string} qop
 * @property {number} nc
 */

/** Requests that cannot be sent again with credentials (RFC 3261 §22.1). */
const NEVER_CHALLENGED = new Set(['ACK', 'CANCEL']);

/** The qualities of protection. */
const QOPS = ['auth', 'auth-int'];

/** How long a nonce may be used, and the most that may be said, in seconds. */
const LIFETIME = 300;
const MAX_LIFETIME = 86_400;

/** What a user without a password is compared with, so that it takes as long. */
const NOBODY = 'x';

const COUNT = /^[\da-f]{8}$/i;

/**
 * Middleware that lets only those through who know a password (RFC 3261 §22, RFC 7616, RFC 8760): others are
 * challenged. It covers every method but ACK and CANCEL. Requests inside a call that is up are let through,
 * since it was made with credentials or by ourselves, unless `inDialog` is true.
 *
 * @param {Record<string, unknown>} options see `DigestAuthOptions` in `index.d.ts`
 * @returns {(req: Request, res: Response, next: (err?: unknown) => void) => void}
 * @throws {TypeError} `DRT_ERR_INVALID_OPTION`, with the name of the option
 */
function digestAuth(options) {
  const settings = readOptions(options);
  const nonces = new Nonces(settings.lifetime * 1000, settings.secret);
  return function authenticate(req, res, next) {
    if (isExempt(req, settings)) {
      next();
      return;
    }
    const realm = typeof settings.realm === 'function' ? settings.realm(req) : settings.realm;
    check(req, realm, settings, nonces).then(
      (verdict) => {
        if (verdict === 'wrong') {
          res.send(400, 'Credentials For Another URI');
        } else if (typeof verdict === 'object') {
          req.authorization = verdict;
          next();
        } else {
          try {
            challenge(res, realm, settings, nonces, verdict === 'stale');
          } catch (err) {
            // A realm that no header may have.
            next(err);
          }
        }
      },
      (err) => next(err || new Error('the password could not be found')),
    );
  };
}

/**
 * @param {Request} req
 * @param {Settings} settings
 */
function isExempt(req, settings) {
  const method = req.method ?? '';
  if (NEVER_CHALLENGED.has(method)) return true;
  if (!settings.inDialog && req.stackDialogId) return true;
  return settings.methods !== undefined && !settings.methods.has(method);
}

/**
 * Who sent a request; `unknown` if nobody can tell, `stale` if the nonce alone is at fault, `wrong` if the
 * credentials are for another request.
 *
 * @param {Request} req
 * @param {string} realm
 * @param {Settings} settings
 * @param {Nonces} nonces
 * @returns {Promise<Authorization | 'unknown' | 'stale' | 'wrong'>}
 */
async function check(req, realm, settings, nonces) {
  const credentials = findCredentials(req, realm, settings);
  if (credentials === undefined) return 'unknown';
  const { username, nonce, uri, response, algorithm, qop, count, cnonce } = credentials;
  if (!nonces.isOurs(nonce, realm)) return 'stale';
  if (settings.checkUri && !isSameResource(uri, req.uri ?? '')) return 'wrong';

  const password = await settings.passwords(username, realm, req);
  const secret = secretFor(algorithm, username, realm, password);
  const request = { nonce, cnonce, count, qop, method: req.method ?? '', uri, body: req.body };
  const expected = digestOf(algorithm, secret ?? secretOf(algorithm, username, realm, NOBODY), request);
  if (!isEqual(response, expected) || secret === undefined) return 'unknown';
  // Only who knows the password may move the count on.
  const nc = Number.parseInt(count, 16);
  if (!nonces.use(nonce, nc)) return 'stale';
  return { username, realm, nonce, uri, algorithm: algorithm.name, qop, nc };
}

/**
 * The credentials of a request for a realm, if there is all in them that must be.
 *
 * @param {Request} req
 * @param {string} realm
 * @param {Settings} settings
 */
function findCredentials(req, realm, { isProxy, algorithms, qops }) {
  const header = req.get(isProxy ? 'Proxy-Authorization' : 'Authorization') ?? '';
  const found = readAuth(header).find((one) => one.scheme.toLowerCase() === 'digest' && unquote(one.realm ?? '') === realm);
  if (found === undefined) return undefined;
  const { username, nonce, uri, response, qop, nc: count, cnonce } = plain(found);
  const algorithm = algorithms.find((offered) => offered === algorithmOf(found.algorithm === undefined ? undefined : unquote(found.algorithm)));
  const usedQop = /** @type {'auth' | 'auth-int' | undefined} */ (qops.find((offered) => offered === qop?.toLowerCase()));
  if (algorithm === undefined || usedQop === undefined || !COUNT.test(count ?? '')) return undefined;
  if (username === undefined || nonce === undefined || uri === undefined || response === undefined || cnonce === undefined || count === undefined) return undefined;
  return { username, nonce, uri, response, algorithm, qop: usedQop, count, cnonce };
}

/**
 * The parameters without their quotes.
 *
 * @param {import('./headers/auth').AuthHeader} credentials
 * @returns {Record<string, string | undefined>}
 */
function plain(credentials) {
  return Object.fromEntries(Object.entries(credentials).map(([name, value]) => [name, value === undefined ? undefined : unquote(value)]));
}

/**
 * @param {Algorithm} algorithm
 * @param {string} username
 * @param {string} realm
 * @param {Password} password
 */
function secretFor(algorithm, username, realm, password) {
  if (typeof password === 'string') return secretOf(algorithm, username, realm, password);
  // A hash serves the variant with sessions as well.
  return password?.ha1?.[algorithm.name] ?? password?.ha1?.[algorithm.name.replace(/-sess$/, '')];
}

/**
 * Whether two texts are equal, in a time that does not tell where they differ.
 *
 * @param {string} given
 * @param {string} expected
 */
function isEqual(given, expected) {
  const [left, right] = [Buffer.from(given.toLowerCase()), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * Whether credentials are for the resource that is asked for (RFC 7616 §3.4.6). Ports and parameters may have changed on
 * the way, users and hosts must not.
 *
 * @param {string} digestUri
 * @param {string} requestUri
 */
function isSameResource(digestUri, requestUri) {
  if (digestUri === requestUri) return true;
  const [one, other] = [parseUri(digestUri), parseUri(requestUri)];
  if (one === undefined || other === undefined || one.scheme === 'tel' || other.scheme === 'tel') return false;
  return one.user === other.user && one.host.toLowerCase() === other.host.toLowerCase();
}

/**
 * @param {Response} res
 * @param {string} realm
 * @param {Settings} settings
 * @param {Nonces} nonces
 * @param {boolean} isStale
 */
function challenge(res, realm, { isProxy, algorithms, qops }, nonces, isStale) {
  const nonce = nonces.make(realm);
  const values = algorithms.map(({ name }) => {
    const params = [`realm=${quote(realm)}`, `nonce="${nonce}"`, `algorithm=${name}`, `qop="${qops.join(',')}"`];
    if (isStale) params.push('stale=true');
    return `Digest ${params.join(', ')}`;
  });
  res.send(isProxy ? 407 : 401, { headers: { [isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate']: values } });
}

/**
 * @typedef {object} Settings
 * @property {string | ((req: Request) => string)} realm
 * @property {PasswordFunction} passwords
 * @property {Algorithm[]} algorithms
 * @property {string[]} qops
 * @property {Set<string> | undefined} methods
 * @property {boolean} isProxy
 * @property {boolean} inDialog
 * @property {boolean} checkUri
 * @property {number} lifetime in seconds
 * @property {string | undefined} secret
 */

/**
 * @param {Record<string, unknown>} options
 * @returns {Settings}
 */
function readOptions(options) {
  if (typeof options !== 'object' || options === null) throw misuse('digestAuth: options must be an object', 'DRT_ERR_INVALID_OPTION');
  const {
    realm,
    passwords,
    algorithms = ['SHA-256', 'MD5'],
    qop = ['auth'],
    methods,
    proxy = false,
    inDialog = false,
    checkUri = true,
    nonceLifetime = LIFETIME,
    secret,
    ...rest
  } = options;
  /** @type {(name: string, what: string, isRight: boolean) => void} */
  const must = (name, what, isRight) => {
    if (!isRight) throw misuse(`digestAuth: option '${name}' must be ${what}`, 'DRT_ERR_INVALID_OPTION');
  };
  /** @type {(value: unknown) => value is string[]} */
  const isTexts = (value) => Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string');
  for (const name of Object.keys(rest)) throw misuse(`digestAuth: unknown option '${name}'`, 'DRT_ERR_INVALID_OPTION');
  must('realm', 'a text or a function', typeof realm === 'function' || (typeof realm === 'string' && realm !== ''));
  must('passwords', 'an object or a Map by user, or a function', typeof passwords === 'function' || (typeof passwords === 'object' && passwords !== null));
  must('algorithms', `an array of ${ALGORITHM_NAMES.join(', ')}`, isTexts(algorithms) && algorithms.every((name) => algorithmOf(name) !== undefined));
  must('qop', "an array of 'auth', 'auth-int'", isTexts(qop) && qop.every((one) => QOPS.includes(one)));
  must('methods', 'an array of methods', methods === undefined || isTexts(methods));
  for (const [name, value] of Object.entries({ proxy, inDialog, checkUri })) must(name, 'true or false', typeof value === 'boolean');
  must('nonceLifetime', `a number of seconds above 0, up to ${MAX_LIFETIME}`, typeof nonceLifetime === 'number' && nonceLifetime > 0 && nonceLifetime <= MAX_LIFETIME);
  must('secret', 'a text of 16 characters or more', secret === undefined || (typeof secret === 'string' && secret.length >= 16));
  return {
    realm: /** @type {Settings['realm']} */ (realm),
    passwords: typeof passwords === 'function' ? /** @type {PasswordFunction} */ (passwords) : lookUpIn(/** @type {object} */ (passwords)),
    algorithms: /** @type {string[]} */ (algorithms).map((name) => /** @type {Algorithm} */ (algorithmOf(name))),
    qops: /** @type {string[]} */ (qop),
    methods: methods === undefined ? undefined : new Set(/** @type {string[]} */ (methods).map((name) => name.toUpperCase())),
    isProxy: /** @type {boolean} */ (proxy),
    inDialog: /** @type {boolean} */ (inDialog),
    checkUri: /** @type {boolean} */ (checkUri),
    lifetime: /** @type {number} */ (nonceLifetime),
    secret: /** @type {string | undefined} */ (secret),
  };
}

/**
 * @param {object} table passwords by user: a Map or an object
 * @returns {PasswordFunction}
 */
function lookUpIn(table) {
  if (table instanceof Map) return (username) => table.get(username);
  return (username) => (Object.hasOwn(table, username) ? /** @type {Record<string, Password>} */ (table)[username] : undefined);
}

module.exports = { digestAuth };
