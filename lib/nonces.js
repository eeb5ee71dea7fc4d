'use strict';

const { createHmac, randomBytes, timingSafeEqual } = require('node:crypto');

/** How many nonces in use are remembered. */
const MAX_NONCES = 100_000;

/** Bytes of a nonce before its signature: the time in milliseconds, and what makes it unique. */
const TIME_BYTES = 6;
const RANDOM_BYTES = 10;
const SIGNATURE_BYTES = 16;

/**
 * Nonces that nobody else can make and nobody can use twice with the same count (RFC 7616 §5.4, §5.5). A
 * nonce carries its own time and a signature, so that challenges cost no memory. What is remembered is how
 * far the count of each nonce in use has come, and how old the nonces are that were forgotten for want of
 * room: from then on, older ones are too old.
 */
class Nonces {
  #key;
  #lifetime;
  /** The last count, by nonce; oldest use first. @type {Map<string, number>} */
  #counts = new Map();
  /** Nonces that were made up to this time and are not in `#counts` may have been used. */
  #forgottenUntil = -1;

  /**
   * @param {number} lifetime in milliseconds
   * @param {string} [secret] shared by the processes that take each other's nonces
   */
  constructor(lifetime, secret) {
    this.#lifetime = lifetime;
    this.#key = secret === undefined ? randomBytes(32) : Buffer.from(secret);
  }

  /**
   * A new nonce.
   *
   * @param {string} realm
   */
  make(realm, now = Date.now()) {
    const body = Buffer.alloc(TIME_BYTES + RANDOM_BYTES);
    body.writeUIntBE(now, 0, TIME_BYTES);
    randomBytes(RANDOM_BYTES).copy(body, TIME_BYTES);
    return Buffer.concat([body, this.#sign(body, realm)]).toString('base64url');
  }

  /**
   * Whether a nonce is one of ours, whatever its age.
   *
   * @param {string} nonce
   * @param {string} realm
   */
  isOurs(nonce, realm) {
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== TIME_BYTES + RANDOM_BYTES + SIGNATURE_BYTES || bytes.toString('base64url') !== nonce) return false;
    const body = bytes.subarray(0, -SIGNATURE_BYTES);
    return timingSafeEqual(bytes.subarray(-SIGNATURE_BYTES), this.#sign(body, realm));
  }

  /**
   * Uses a nonce of ours: false if it is too old, or has been used with this count or a higher one.
   *
   * @param {string} nonce
   * @param {number} count
   */
  use(nonce, count, now = Date.now()) {
    const made = madeAt(nonce);
    if (now - made > this.#lifetime || made > now + this.#lifetime) return false;
    const last = this.#counts.get(nonce);
    if (last === undefined ? made <= this.#forgottenUntil : count <= last) return false;
    this.#counts.delete(nonce);
    this.#counts.set(nonce, count);
    if (this.#counts.size > MAX_NONCES) this.#forget(now);
    return true;
  }

  /** @param {number} now */
  #forget(now) {
    for (const nonce of this.#counts.keys()) {
      const made = madeAt(nonce);
      const isExpired = now - made > this.#lifetime;
      if (!isExpired && this.#counts.size <= MAX_NONCES) return;
      this.#counts.delete(nonce);
      if (!isExpired) this.#forgottenUntil = Math.max(this.#forgottenUntil, made);
    }
  }

  /**
   * @param {Buffer} body
   * @param {string} realm
   */
  #sign(body, realm) {
    return createHmac('sha256', this.#key).update(body).update(realm).digest().subarray(0, SIGNATURE_BYTES);
  }
}

/** @param {string} nonce one of ours */
function madeAt(nonce) {
  return Buffer.from(nonce, 'base64url').readUIntBE(0, TIME_BYTES);
}

module.exports = { Nonces, MAX_NONCES };
