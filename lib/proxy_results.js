'use strict';

const { readEnvelope } = require('./envelope');

/**
 * @typedef {{time: string, status: number, msg: import('./sip_message').SipMessage}} ProxyResponse
 * @typedef {{address: string, port: number, msgs: ProxyResponse[]}} ProxyBranch
 */

/** Statuses of the 4xx class that tell the caller what to do better (RFC 3261 §16.7 step 6). */
const HELPFUL = new Set([401, 407, 415, 420, 484]);

/**
 * How a proxied request ended: what each destination said at last, and the best of it.
 *
 * @typedef {object} ProxyResults
 * @property {boolean} connected whether a destination accepted
 * @property {number} [finalStatus] the status of the best response; absent when none came
 * @property {ProxyResponse} [finalResponse]
 * @property {ProxyBranch[]} responses by where they came from
 */

/** @returns {ProxyResults} */
function emptyResults() {
  return { connected: false, responses: [] };
}

/**
 * Notes the final response of a branch.
 *
 * @param {ProxyResults} results
 * @param {string} frame
 * @param {import('./sip_message').SipMessage} msg
 */
function addResponse(results, frame, msg) {
  const { address, port, time } = readEnvelope(frame);
  const status = /** @type {number} */ (msg.status);
  const response = { time, status, msg };
  const branch = results.responses.find((known) => known.address === address && known.port === port);
  if (branch === undefined) results.responses.push({ address, port, msgs: [response] });
  else branch.msgs.push(response);
  if (results.finalStatus === undefined || rank(status) < rank(results.finalStatus)) {
    results.finalStatus = status;
    results.finalResponse = response;
    results.connected = status < 300;
  }
}

/**
 * The order in which a proxy prefers final responses, the best first (RFC 3261 §16.7 step 6).
 *
 * @param {number} status
 */
function rank(status) {
  if (status < 300) return 0;
  if (status >= 600) return 1;
  const withinClass = HELPFUL.has(status) ? 0 : 1;
  // 503 is the last of its class: it speaks of the server that said it, not of the request.
  return Math.floor(status / 100) * 10 + (status === 503 ? 2 : withinClass);
}

module.exports = { emptyResults, addResponse };
