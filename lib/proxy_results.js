'use strict';

const { readEnvelope } = require('./envelope');

/**
 * @typedef {{time: string, status: number, msg: import('./sip_message').SipMessage}} ProxyResponse
 * @typedef {{address: string, port: number, msgs: ProxyResponse[]}} ProxySource
 *
 * What became of one destination.
 *
 * @typedef {object} ProxyBranch
 * @property {string} target its URI
 * @property {string} startTime when its turn came: `HH:MM:SS.uuuuuu`, UTC
 * @property {string} [endTime] when it had ended
 * @property {number} [duration] from the one to the other, in milliseconds
 * @property {ProxyResponse[]} responses all of them, in the order in which they came
 * @property {string} [reason] why it has ended
 * @property {number} [status] what it counted as in the choice of the best response
 *
 * How a proxied request ended: what each destination said, and the best of it.
 *
 * @typedef {object} ProxyResults
 * @property {boolean} connected whether a destination accepted
 * @property {number} [finalStatus] the status of the best response; absent when none came
 * @property {ProxyResponse} [finalResponse]
 * @property {ProxySource[]} responses the final ones, by where they came from
 * @property {ProxyBranch[]} branches in the order in which their turn came
 */

/** Statuses of the 4xx class that tell the caller what to do better (RFC 3261 §16.7 step 6). */
const HELPFUL = new Set([401, 407, 415, 420, 484]);

/** Those that say only that nothing was heard. */
const SILENT = new Set([408, 487, 503]);

const DAY = 86_400_000;

/** The code of the character `0`. */
const ZERO = 48;

/** Collects what is told of a request that is being proxied. */
class Collector {
  /** @type {ProxyBranch[]} */
  #branches = [];
  /** Their numbers. @type {string[]} */
  #numbers = [];
  /** @type {{response: ProxyResponse, branch: ProxyBranch | undefined}[]} */
  #finals = [];
  /** What the engine has answered itself, because no branch gave a response to forward. @type {ProxyResponse | undefined} */
  #own = undefined;
  /** @type {ProxySource[]} */
  #sources = [];

  /**
   * A branch has begun or ended.
   *
   * @param {string} text `time|number|started|uri` or `time|number|ended|reason|status`
   * @returns {{branch: ProxyBranch, hasEnded: boolean} | undefined}
   */
  progress(text) {
    const afterTime = text.indexOf('|');
    const afterNumber = text.indexOf('|', afterTime + 1);
    const afterStep = text.indexOf('|', afterNumber + 1);
    const time = text.slice(0, afterTime);
    const number = text.slice(afterTime + 1, afterNumber);
    if (text.startsWith('started', afterNumber + 1)) {
      /** @type {ProxyBranch} */
      const started = { target: text.slice(afterStep + 1), startTime: time, endTime: undefined, duration: undefined, responses: [], reason: undefined, status: undefined };
      this.#branches.push(started);
      this.#numbers.push(number);
      return { branch: started, hasEnded: false };
    }
    const branch = this.#branch(number);
    // One that was never tried has nothing to tell.
    if (branch === undefined) return undefined;
    const afterReason = text.indexOf('|', afterStep + 1);
    const took = milliseconds(time) - milliseconds(branch.startTime);
    branch.endTime = time;
    branch.duration = took < 0 ? took + DAY : took;
    branch.reason = text.slice(afterStep + 1, afterReason);
    branch.status = Number(text.slice(afterReason + 1)) || undefined;
    return { branch, hasEnded: true };
  }

  /**
   * A response on a branch, or one of the engine's own.
   *
   * @param {string} frame
   * @param {import('./sip_message').SipMessage} msg
   */
  response(frame, msg) {
    const { source, address, port, time, transactionId: number } = readEnvelope(frame);
    const status = /** @type {number} */ (msg.status);
    const response = { time, status, msg };
    const branch = this.#branch(number);
    branch?.responses.push(response);
    if (status < 200) return { response, branch };
    const known = this.#sources.find((one) => one.address === address && one.port === port);
    if (known === undefined) this.#sources.push({ address, port, msgs: [response] });
    else known.msgs.push(response);
    this.#finals.push({ response, branch });
    if (source === 'application') this.#own = response;
    return { response, branch };
  }

  /** @param {string} number */
  #branch(number) {
    const at = this.#numbers.indexOf(number);
    return at === -1 ? undefined : this.#branches[at];
  }

  /** @returns {ProxyResults} */
  results() {
    const responses = this.#sources;
    const branches = this.#branches;
    const best = this.#best();
    const final = best !== undefined && best.status < 300 ? best : (this.#own ?? best);
    if (final === undefined) return { connected: false, responses, branches };
    return { connected: final.status < 300, finalStatus: final.status, finalResponse: final, responses, branches };
  }

  /** The best answer of a branch. */
  #best() {
    /** @type {ProxyResponse | undefined} */
    let best = undefined;
    for (const { response, branch } of this.#finals) {
      // A redirection that is followed is no answer.
      if (branch?.reason === 'redirected') continue;
      if (best === undefined || rank(response.status) < rank(best.status)) best = response;
    }
    return best;
  }
}

/** @param {string} time `HH:MM:SS.uuuuuu` */
function milliseconds(time) {
  const minutes = digits(time, 0, 2) * 60 + digits(time, 3, 5);
  // In whole microseconds, so that the difference of two has no more digits than they.
  const micros = minutes * 60e6 + digits(time, 6, 8) * 1e6 + digits(time, 9, 15);
  return micros / 1000;
}

/**
 * The number that these characters say.
 *
 * @param {string} text
 * @param {number} start
 * @param {number} end
 */
function digits(text, start, end) {
  let number = 0;
  for (let at = start; at < end; at++) number = number * 10 + text.charCodeAt(at) - ZERO;
  return number;
}

/**
 * The order in which a proxy prefers final responses, the best first (RFC 3261 §16.7 step 6).
 *
 * @param {number} status
 */
function rank(status) {
  if (status < 300) return 0;
  if (status >= 600) return 1;
  let withinClass = 1;
  if (HELPFUL.has(status)) withinClass = 0;
  else if (SILENT.has(status)) withinClass = 2;
  return Math.floor(status / 100) * 10 + withinClass;
}

module.exports = { Collector };
