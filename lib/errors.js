'use strict';

/**
 * An error with a stable `code` for programs. Its text is for people, and for the applications of
 * old that matched it: `String(err)` and `err.message` are that text and nothing else.
 */
class DrachtioError extends Error {
  /**
   * @param {string} message
   * @param {string} code one of the `DRT_ERR_` names
   * @param {ErrorOptions} [options]
   */
  constructor(message, code, options) {
    super(message, options);
    this.name = 'DrachtioError';
    /** A `DRT_ERR_` name, or the operating system's (`EADDRINUSE`). */
    this.code = code;
  }

  toString() {
    return this.message;
  }
}

/**
 * What a handler throws, or gives to `next`, to have a request answered with a status: that is no failure of the handler's.
 */
class SipError extends DrachtioError {
  /**
   * @param {number} status
   * @param {string} [reason] the usual one without it
   */
  constructor(status, reason) {
    super(`Sip non-success response: ${status}`, 'DRT_ERR_SIP');
    this.name = 'SipError';
    this.status = status;
    this.reason = reason;
  }
}

/**
 * A `TypeError` with a code: the caller passed something that cannot be meant.
 *
 * @param {string} message
 * @param {string} code
 */
function misuse(message, code) {
  return Object.assign(new TypeError(message), { code });
}

/**
 * What the engine answers to a command that it did not carry out.
 *
 * @param {string} text `code|text`
 */
function refusal(text) {
  const bar = text.indexOf('|');
  return new DrachtioError(text.slice(bar + 1) || 'request failed', text.slice(0, bar) || 'DRT_ERR_REFUSED');
}

/** What ends with `disconnect`. */
function disconnected() {
  return new DrachtioError('the application has disconnected', 'DRT_ERR_DISCONNECTED');
}

/**
 * Throws an error where nobody awaits it, as an event listener's would be, and lets the caller
 * go on with what it owes to others.
 *
 * @param {unknown} err
 */
function throwLater(err) {
  setImmediate(() => {
    throw err;
  });
}

module.exports = { DrachtioError, SipError, disconnected, misuse, refusal, throwLater };
