'use strict';

const { createHash, randomBytes } = require('node:crypto');
const { throwLater } = require('./errors');
const { awaitSuccessor, draftOf, replace } = require('./request');
const { draftRequest } = require('./request_draft');
const { parseAuth } = require('./headers/auth');
const { lowerName } = require('./headers/names');
const { unquote } = require('./headers/scan');

/** @typedef {import('./headers/auth').AuthHeader} AuthHeader */
/** @typedef {import('./request').Request} Request */
/** @typedef {import('./response').Response} Response */
/** @typedef {import('./session').Session} Session */

/** The header that a challenge comes in, and the one that answers it, by the status. */
const HEADERS = new Map([
  [401, ['www-authenticate', 'Authorization']],
  [407, ['proxy-authenticate', 'Proxy-Authorization']],
]);

/** The digest algorithms by their names in a challenge (RFC 3261 §22.4, RFC 8760), to Node's. */
const ALGORITHMS = new Map([
  ['md5', 'md5'],
  ['md5-sess', 'md5'],
  ['sha-256', 'sha256'],
  ['sha-256-sess', 'sha256'],
]);

/** Headers of a repeated request that are those of the request before, so that it is the same call. */
const KEPT = Object.freeze(['Call-ID', 'From', 'To', 'Max-Forwards']);

/**
 * Repeats a challenged request with credentials, once for each request.
 *
 * @param {Session} session
 * @param {Request} req
 * @param {Response} res
 * @param {(isReplaced: boolean) => void} settle called when the request has been repeated, or when there is no
 *   repeating it after all and the challenge is the answer
 * @returns {boolean} false when the challenge is not one to answer
 */
function answerChallenge(session, req, res, settle) {
  const [challengeHeader, answerHeader] = HEADERS.get(/** @type {number} */ (res.status)) ?? [];
  const draft = draftOf(req);
  if (challengeHeader === undefined || draft?.auth === undefined || draft.isRetry) return false;
  const challenge = chooseChallenge(res.get(challengeHeader) ?? '');
  if (challenge === undefined) return false;

  awaitSuccessor(req);
  /** @param {Request} [successor] */
  const finish = (successor) => {
    replace(req, successor);
    settle(successor !== undefined);
  };
  withCredentials(req, res, draft.auth, (err, username, password) => {
    if (err || username === undefined || password === undefined) {
      finish();
      return;
    }
    const uri = /** @type {string} */ (req.uri);
    const credentials = formatCredentials(challenge, { username, password, method: /** @type {string} */ (req.method), uri, body: req.body });
    const retry = { ...repeat(req, answerHeader, credentials), isRetry: true };
    session.request(retry, (_refused, successor) => finish(successor));
  });
  return true;
}

/**
 * @param {Request} req
 * @param {Response} res
 * @param {import('./request_draft').Auth} auth
 * @param {(err: unknown, username?: string, password?: string) => void} callback called once
 */
function withCredentials(req, res, auth, callback) {
  if (typeof auth !== 'function') {
    callback(null, auth.username, auth.password);
    return;
  }
  let isDone = false;
  /** @type {typeof callback} */
  const once = (...args) => {
    if (isDone) return;
    isDone = true;
    callback(...args);
  };
  try {
    auth(req, res, once);
  } catch (err) {
    once(err);
    throwLater(err);
  }
}

/**
 * The first challenge that can be answered: a peer lists them in the order it prefers (RFC 8760 §2.4).
 *
 * @param {string} text
 */
function chooseChallenge(text) {
  return parseAuth(text).find(
    ({ scheme, algorithm = 'MD5', nonce }) => scheme.toLowerCase() === 'digest' && nonce !== undefined && ALGORITHMS.has(unquote(algorithm).toLowerCase()),
  );
}

/**
 * The draft of a request again, with credentials. Outside a dialog it has the Call-ID and From of
 * the first one and the next CSeq (RFC 3261 §22.2); inside, the engine sees to that.
 *
 * @param {Request} req
 * @param {string} header
 * @param {string} credentials
 */
function repeat(req, header, credentials) {
  const options = /** @type {import('./request_draft').RequestOptions & {method: string, uri: string}} */ (draftOf(req)?.options);
  /** @type {Record<string, import('./headers/draft').HeaderValue>} */
  const fixed = { [header]: credentials };
  if (!options.stackDialogId) {
    for (const name of KEPT) fixed[name] = req.get(name);
    const { seq, method } = /** @type {{seq: number, method: string}} */ (req.getParsedHeader('cseq'));
    fixed.CSeq = `${seq + 1} ${method}`;
  }
  const replaced = new Set(Object.keys(fixed).map(lowerName));
  const others = Object.entries(options.headers ?? {}).filter(([name]) => !replaced.has(lowerName(name)));
  return draftRequest({ ...options, headers: { ...Object.fromEntries(others), ...fixed } });
}

/**
 * The value of an Authorization or Proxy-Authorization header (RFC 3261 §22, RFC 7616).
 *
 * @param {AuthHeader} challenge
 * @param {{username: string, password: string, method: string, uri: string, body: string, cnonce?: string}} request
 * @returns {string}
 */
function formatCredentials(challenge, { username, password, method, uri, body, cnonce = randomBytes(8).toString('hex') }) {
  const { realm = '""', nonce = '""', opaque } = challenge;
  const algorithm = challenge.algorithm === undefined ? undefined : unquote(challenge.algorithm);
  const name = (algorithm ?? 'MD5').toLowerCase();
  /** @param {...string} parts */
  const hash = (...parts) => createHash(/** @type {string} */ (ALGORITHMS.get(name))).update(parts.join(':')).digest('hex');

  const [plainRealm, plainNonce] = [unquote(realm), unquote(nonce)];
  const secret = hash(username, plainRealm, password);
  const ha1 = name.endsWith('-sess') ? hash(secret, plainNonce, cnonce) : secret;
  const qop = chooseQop(challenge.qop);
  const ha2 = qop === 'auth-int' ? hash(method, uri, hash(body)) : hash(method, uri);
  const count = '00000001';
  const response = qop === undefined ? hash(ha1, plainNonce, ha2) : hash(ha1, plainNonce, count, cnonce, qop, ha2);

  const params = [`username=${quote(username)}`, `realm=${realm}`, `nonce=${nonce}`, `uri=${quote(uri)}`, `response="${response}"`];
  if (algorithm !== undefined) params.push(`algorithm=${algorithm}`);
  if (qop !== undefined) params.push(`qop=${qop}`, `nc=${count}`);
  if (qop !== undefined || name.endsWith('-sess')) params.push(`cnonce="${cnonce}"`);
  if (opaque !== undefined) params.push(`opaque=${opaque}`);
  return `Digest ${params.join(', ')}`;
}

/**
 * The quality of protection to use: `auth` if it is offered, since a body may change on its way.
 *
 * @param {string | undefined} offered
 */
function chooseQop(offered) {
  if (offered === undefined) return undefined;
  const options = unquote(offered).toLowerCase().split(',').map((option) => option.trim());
  return ['auth', 'auth-int'].find((option) => options.includes(option));
}

/** @param {string} text */
function quote(text) {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

module.exports = { answerChallenge, formatCredentials };
