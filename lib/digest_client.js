'use strict';

const { randomBytes } = require('node:crypto');
const { algorithmOf, countText, digestOf, hash, quote, secretOf } = require('./digest');
const { throwLater } = require('./errors');
const { awaitSuccessor, draftOf, replace } = require('./request');
const { draftRequest } = require('./request_draft');
const { parseAuthInfo, readAuth } = require('./headers/auth');
const { lowerName } = require('./headers/names');
const { unquote } = require('./headers/scan');
const { joinHostPort } = require('./headers/uri');

/** @typedef {import('./headers/auth').AuthHeader} AuthHeader */
/** @typedef {import('./request').Request} Request */
/** @typedef {import('./response').Response} Response */
/** @typedef {import('./session').Session} Session */
/** @typedef {import('./request_draft').RequestDraft} RequestDraft */

/**
 * A challenge that is or was answered.
 *
 * @typedef {object} Answered
 * @property {string} header the header that answers it
 * @property {AuthHeader} challenge
 * @property {number} count how many requests had credentials with its nonce
 * @property {boolean} isReused whether the nonce is of an earlier request
 */

/** The header that a challenge comes in, and the one that answers it. */
const HEADERS = new Map([
  ['www-authenticate', 'Authorization'],
  ['proxy-authenticate', 'Proxy-Authorization'],
]);

/** How many times a request is repeated: each proxy on its way may have a challenge of its own. */
const MAX_REPETITIONS = 5;

/** How many nonces are kept for later requests; the oldest is forgotten first. */
const MAX_NONCES = 1_000;

/** Headers of a repeated request that are those of the request before, so that it is the same call. */
const KEPT = Object.freeze(['Call-ID', 'From', 'To', 'Max-Forwards']);

/**
 * Answers challenges (RFC 3261 §22, RFC 7616, RFC 8760) for the requests of one session. A nonce
 * that was accepted is used again, with the next count, for requests to the same place.
 */
class DigestClient {
  /** What was accepted, by place, user and header. @type {Map<string, Answered>} */
  #accepted = new Map();

  /**
   * The draft of a new request, with credentials if those for its place are known.
   *
   * @param {RequestDraft} draft
   * @returns {RequestDraft}
   */
  prepare(draft) {
    const { auth, options } = draft;
    if (this.#accepted.size === 0 || options === undefined || draft.answered !== undefined) return draft;
    // Which URI a request in a dialog is sent to, and so what is to be hashed, is known to the engine alone.
    if (options.stackDialogId) return draft;
    if (auth === undefined || auth === null || typeof auth === 'function') return draft;
    const given = new Set(Object.keys(options.headers ?? {}).map(lowerName));
    const answered = [...HEADERS.values()].flatMap((header) => {
      const known = this.#accepted.get(keyOf(options, auth.username, header));
      return known === undefined || given.has(lowerName(header)) || !isWanted(known.challenge, auth) ? [] : [known];
    });
    if (answered.length === 0) return draft;
    for (const one of answered) one.isReused = true;
    return { ...draftRequest({ ...options, headers: { ...options.headers, ...credentialHeaders(answered, options, auth) } }), options, answered };
  }

  /**
   * Repeats a challenged request with credentials.
   *
   * @param {Session} session
   * @param {Request} req
   * @param {Response} res
   * @param {(isReplaced: boolean) => void} settle called when the request has been repeated, or when there is no
   *   repeating it after all and the challenge is the answer
   * @returns {boolean} false when the response is no challenge to answer
   */
  answer(session, req, res, settle) {
    const draft = draftOf(req);
    if (draft?.auth === undefined || draft.auth === null) return false;
    if (res.status !== 401 && res.status !== 407) {
      this.#learn(draft, res);
      return false;
    }
    const { answered: before = [], repetitions = 0 } = draft;
    const challenges = newChallenges(res, draft.auth, before);
    if (challenges.length === 0 || repetitions >= MAX_REPETITIONS) return false;

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
      const replaced = new Set(challenges.map(identityOf));
      const answered = [...before.filter((one) => !replaced.has(identityOf(one))), ...challenges];
      let retry;
      try {
        retry = repeat(req, res, answered, { username, password });
      } catch (err) {
        // A name that no header may have: the challenge is the answer, and the application hears of its mistake.
        finish();
        throwLater(err);
        return;
      }
      session.request({ ...retry, auth: draft.auth, answered, repetitions: repetitions + 1 }, (_refused, successor) => finish(successor));
    });
    return true;
  }

  /**
   * Keeps the nonces of a request that was not challenged again, or the one that is to follow (RFC 7616 §3.5).
   *
   * @param {RequestDraft} draft
   * @param {Response} res a final response
   */
  #learn({ auth, options, answered = [] }, res) {
    if (options === undefined || options.stackDialogId || typeof auth !== 'object' || auth === null) return;
    const { nextnonce } = parseAuthInfo(res.get('authentication-info') ?? '');
    for (const one of answered) {
      const key = keyOf(options, auth.username, one.header);
      this.#accepted.delete(key);
      const isNext = nextnonce !== undefined && one.header === 'Authorization';
      this.#accepted.set(key, isNext ? { ...one, challenge: { ...one.challenge, nonce: nextnonce }, count: 0 } : one);
    }
    while (this.#accepted.size > MAX_NONCES) this.#accepted.delete(/** @type {string} */ (this.#accepted.keys().next().value));
  }
}

/**
 * Names the place that a nonce is good for: credentials go to no other.
 *
 * @param {import('./request_draft').RequestOptions} options
 * @param {string} username
 * @param {string} header
 */
function keyOf({ proxy = '', uri = '' }, username, header) {
  // The host and what follows it: users of one server share its nonces.
  const host = uri.slice(uri.lastIndexOf('@') + 1);
  return [proxy, host, username, header].join('\n');
}

/** @param {Pick<Answered, 'header' | 'challenge'>} challenge */
function identityOf({ header, challenge }) {
  return `${header} ${unquote(challenge.realm ?? '')}`;
}

/**
 * The challenges of a response that are to be answered: of each realm the first that can be, since
 * a server lists them in the order that it prefers (RFC 8760 §2.4). Credentials that were refused are
 * not sent again, unless it was the nonce that was too old.
 *
 * @param {Response} res
 * @param {import('./request_draft').Auth} auth
 * @param {Answered[]} before
 * @returns {Answered[]}
 */
function newChallenges(res, auth, before) {
  /** @type {Map<string, Answered>} */
  const found = new Map();
  for (const [name, header] of HEADERS) {
    for (const challenge of readAuth(res.get(name) ?? '')) {
      const one = { header, challenge, count: 0, isReused: false };
      const identity = identityOf(one);
      if (isAnswerable(challenge) && isWanted(challenge, auth) && !found.has(identity)) found.set(identity, one);
    }
  }
  for (const one of before) {
    const again = found.get(identityOf(one));
    if (again !== undefined && !one.isReused && !isStale(again.challenge)) found.delete(identityOf(one));
  }
  return [...found.values()];
}

/** @param {AuthHeader} challenge */
function isAnswerable({ scheme, algorithm, realm, nonce, opaque, qop }) {
  const known = algorithmOf(algorithm === undefined ? undefined : unquote(algorithm)) !== undefined;
  // What comes back to the server must be fit for a header of ours.
  const repeatable = [realm, nonce, opaque].every((value) => !value?.includes('\0'));
  return scheme.toLowerCase() === 'digest' && nonce !== undefined && known && repeatable && (qop === undefined || chooseQop(qop) !== undefined);
}

/** @param {AuthHeader} challenge */
function isStale({ stale = '' }) {
  return unquote(stale).toLowerCase() === 'true';
}

/**
 * Whether the application has credentials for the realm of a challenge.
 *
 * @param {AuthHeader} challenge
 * @param {import('./request_draft').Auth} auth
 */
function isWanted({ realm = '' }, auth) {
  return typeof auth === 'function' || auth.realm === undefined || auth.realm === unquote(realm);
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
 * The draft of a request again, with credentials. Outside a dialog it has the Call-ID and From of
 * the first one and the next CSeq (RFC 3261 §22.2); inside, the engine sees to that.
 *
 * @param {Request} req
 * @param {Response} res
 * @param {Answered[]} answered
 * @param {{username: string, password: string}} credentials
 * @returns {RequestDraft}
 */
function repeat(req, res, answered, credentials) {
  const options = /** @type {import('./request_draft').RequestOptions & {method: string, uri: string}} */ (draftOf(req)?.options);
  const uri = /** @type {string} */ (req.uri);
  /** @type {Record<string, import('./headers/draft').HeaderValue>} */
  const fixed = credentialHeaders(answered, { ...options, uri }, credentials);
  if (!options.stackDialogId) {
    for (const name of KEPT) fixed[name] = req.get(name);
    const { seq, method } = /** @type {{seq: number, method: string}} */ (req.getParsedHeader('cseq'));
    fixed.CSeq = `${seq + 1} ${method}`;
  }
  const replaced = new Set(Object.keys(fixed).map(lowerName));
  const others = Object.entries(options.headers ?? {}).filter(([name]) => !replaced.has(lowerName(name)));
  const draft = draftRequest({ ...options, proxy: challenger(res, options), headers: { ...Object.fromEntries(others), ...fixed } });
  return { ...draft, options };
}

/**
 * Where the challenge came from, as the next hop: a name may lead to another server the next time, which
 * does not know the nonce and has no business with the credentials. A peer that has proved its name is
 * looked up by it again, since it could not prove its address.
 *
 * @param {Response} res
 * @param {import('./request_draft').RequestOptions} options
 */
function challenger(res, { proxy, stackDialogId }) {
  const { protocol, source_address: address = '', source_port: port } = res;
  if (stackDialogId || res.source !== 'network' || !['udp', 'tcp', 'ws'].includes(protocol ?? '')) return proxy;
  return `sip:${joinHostPort(address, /** @type {number} */ (port))};transport=${protocol}`;
}

/**
 * The headers that answer challenges, and the count of each nonce moved on.
 *
 * @param {Answered[]} answered
 * @param {import('./request_draft').RequestOptions} options
 * @param {{username: string, password: string}} credentials
 */
function credentialHeaders(answered, { method = '', uri = '', body = '' }, { username, password }) {
  /** @type {Record<string, string[]>} */
  const headers = {};
  const content = typeof body === 'string' ? body : Buffer.from(body).toString();
  for (const one of answered) {
    one.count++;
    headers[one.header] ??= [];
    headers[one.header].push(formatCredentials(one.challenge, { username, password, method, uri, body: content, count: one.count }));
  }
  return headers;
}

/**
 * The value of an Authorization or Proxy-Authorization header (RFC 3261 §22, RFC 7616).
 *
 * @param {AuthHeader} challenge
 * @param {{username: string, password: string, method: string, uri: string, body: string, cnonce?: string, count?: number}} request
 * @returns {string}
 */
function formatCredentials(challenge, { username, password, method, uri, body, cnonce = randomBytes(12).toString('hex'), count = 1 }) {
  const { realm = '""', nonce = '""', opaque, userhash = '' } = challenge;
  const name = challenge.algorithm === undefined ? undefined : unquote(challenge.algorithm);
  const algorithm = /** @type {import('./digest').Algorithm} */ (algorithmOf(name));
  const [plainRealm, plainNonce] = [unquote(realm), unquote(nonce)];
  const qop = chooseQop(challenge.qop);
  const secret = secretOf(algorithm, username, plainRealm, password);
  const response = digestOf(algorithm, secret, { nonce: plainNonce, cnonce, count: countText(count), qop, method, uri, body });

  // RFC 7616 §3.4.4: the name of the user need not be shown to everybody on the way.
  const isHidden = unquote(userhash).toLowerCase() === 'true';
  const shown = isHidden ? hash(algorithm, username, plainRealm) : username;
  const params = [`username=${quote(shown)}`, `realm=${realm}`, `nonce=${nonce}`, `uri=${quote(uri)}`, `response="${response}"`];
  if (name !== undefined) params.push(`algorithm=${name}`);
  if (qop !== undefined) params.push(`qop=${qop}`, `nc=${countText(count)}`);
  if (qop !== undefined || algorithm.isSession) params.push(`cnonce="${cnonce}"`);
  if (isHidden) params.push('userhash=true');
  if (opaque !== undefined) params.push(`opaque=${opaque}`);
  return `Digest ${params.join(', ')}`;
}

/**
 * The quality of protection to use: `auth` if it is offered, since a body may change on its way.
 *
 * @param {string | undefined} offered
 * @returns {'auth' | 'auth-int' | undefined}
 */
function chooseQop(offered) {
  if (offered === undefined) return undefined;
  const options = unquote(offered).toLowerCase().split(',').map((option) => option.trim());
  return /** @type {const} */ (['auth', 'auth-int']).find((option) => options.includes(option));
}

module.exports = { DigestClient, formatCredentials, MAX_NONCES };
