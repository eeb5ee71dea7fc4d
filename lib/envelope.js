'use strict';

/**
 * The head of a frame: how its message travelled, and which transaction and dialog it belongs to.
 * It is the line before the message, tokens between bars:
 * `source|bytes|protocol|address|port|time|transaction|receivedAddress|receivedPort|dialog`.
 *
 * @typedef {object} Envelope
 * @property {string} source `network`, or `application` for what was sent from here
 * @property {string} protocol `udp`, `tcp` and so on
 * @property {string} address the peer's
 * @property {number} port the peer's
 * @property {string} receivedAddress the one of ours that it came to; '' when that is not known
 * @property {string} receivedPort
 * @property {string} time `HH:MM:SS.uuuuuu` in UTC
 * @property {string} transactionId
 * @property {string} dialogId '' outside a dialog; of a new INVITE, the dialog that it is to replace
 */

/** How many bars stand before the transaction id. */
const BARS_BEFORE_TRANSACTION = 6;

/** What a SIP URI without a port means (RFC 3261 §19.1.2). */
const DEFAULT_PORT = 5060;

/**
 * The transaction id of a frame, without a look at the rest.
 *
 * @param {string} frame
 */
function transactionOf(frame) {
  let bar = -1;
  for (let i = 0; i < BARS_BEFORE_TRANSACTION; i++) bar = frame.indexOf('|', bar + 1);
  return frame.slice(bar + 1, frame.indexOf('|', bar + 1));
}

/**
 * Whether a message came from the network or was sent from here, without a look at the rest of its frame.
 *
 * @param {string} frame
 */
function sourceOf(frame) {
  return frame.slice(0, frame.indexOf('|'));
}

/**
 * @param {string} frame
 * @returns {Envelope}
 */
function readEnvelope(frame) {
  let at = 0;
  const next = () => {
    const bar = frame.indexOf('|', at);
    const token = frame.slice(at, bar);
    at = bar + 1;
    return token;
  };
  const source = next();
  next();
  return {
    source,
    protocol: next(),
    address: next(),
    port: Number(next()) || DEFAULT_PORT,
    time: next(),
    transactionId: next(),
    receivedAddress: next(),
    receivedPort: next(),
    // The last token, since it may hold a bar itself.
    dialogId: frame.slice(at, frame.indexOf('\r\n', at)),
  };
}

module.exports = { readEnvelope, sourceOf, transactionOf, DEFAULT_PORT };
