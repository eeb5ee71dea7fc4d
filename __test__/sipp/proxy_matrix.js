'use strict';
// The cells of the matrix of forking: what the callees of each one do, and what must come of it.

/**
 * @typedef {import('./callees').Step} Step
 * @typedef {import('./callees').Call} Call
 *
 * @typedef {object} Place  one destination of a cell
 * @property {'callee' | 'refused' | 'unresolvable'} kind
 * @property {Step[]} [steps]
 * @property {boolean} isTried   whether it hears of the call
 * @property {boolean} [isLost]  whether it rings and is cancelled
 * @property {number} [final]    what it says at last by itself
 *
 * @typedef {object} Cell
 * @property {string} id         the user that the caller calls
 * @property {string} name
 * @property {'udp' | 'tcp'} transport
 * @property {'serial' | 'simultaneous'} forking
 * @property {string} answer
 * @property {Place[]} places    in the order of the destinations
 * @property {boolean} followRedirects
 * @property {number} status     what the caller gets
 */

const TRANSPORTS = /** @type {const} */ (['udp', 'tcp']);
const FORKINGS = /** @type {const} */ (['serial', 'simultaneous']);
const COUNTS = [1, 3, 10];

/** How a destination behaves, and what its caller gets when all behave so (RFC 3261 §16.7 step 6). */
const ANSWERS = Object.freeze({
  200: { status: 200 },
  '180 then 486': { status: 486 },
  302: { status: 302 },
  '302 that is followed': { status: 200 },
  401: { status: 401 },
  407: { status: 407 },
  // An overloaded server says nothing of this one (§16.7 step 6); what cannot be sent counts as a 503 (§16.9).
  503: { status: 500 },
  603: { status: 603 },
  silence: { status: 408 },
  refused: { status: 500 },
  unresolvable: { status: 500 },
});

/** A search one after the other ends here, since another destination would not help. */
const ENDS_SERIAL = new Set(['200', '302 that is followed', '401', '407', '603']);
/** These end every search. */
const ENDS_ALL = new Set(['200', '302 that is followed', '603']);

const acknowledged = ({ seen }) => seen.filter(({ direction, method }) => direction === 'received' && method === 'ACK');
const ringing = ({ seen }) => seen.filter(({ status }) => status === 180);
const distinct = (seen) => new Set(seen.map(({ callee }) => callee)).size;

/** @returns {Cell[]} */
function cells() {
  const found = [];
  for (const transport of TRANSPORTS) {
    for (const forking of FORKINGS) {
      for (const count of COUNTS) {
        for (const answer of Object.keys(ANSWERS)) {
          found.push(cell({ transport, forking, count, answer, endsWell: false }));
          const isMixed = count > 1 && answer !== '200' && answer !== '302 that is followed';
          if (isMixed) found.push(cell({ transport, forking, count, answer, endsWell: true }));
        }
      }
    }
  }
  return found.map((each, at) => ({ ...each, id: `c${at}` }));
}

/** All destinations give the answer, or all but the last, which accepts. */
function cell({ transport, forking, count, answer, endsWell }) {
  const isSerial = forking === 'serial';
  const endsAtOnce = isSerial ? ENDS_SERIAL.has(answer) : ENDS_ALL.has(answer);
  const places = Array.from({ length: count }, (_, at) => {
    const isLast = at === count - 1;
    if (endsWell && isLast) return lastPlace({ isSerial, endsAtOnce, answer, others: count - 1 });
    return place({ answer, at, isSerial, endsAtOnce, count });
  });
  const others = count === 1 ? '1 destination' : `${endsWell ? count - 1 : count} destinations`;
  return {
    name: `${transport}, ${forking}: ${others}, ${answer}${endsWell ? ', and one that accepts' : ''}`,
    transport,
    forking,
    answer,
    places,
    followRedirects: answer === '302 that is followed',
    status: endsWell && !endsAtOnce ? 200 : ANSWERS[answer].status,
  };
}

/** A destination that gives the answer. Where one answer ends a search of all at once, the first one gives it and the others ring. */
function place({ answer, at, isSerial, endsAtOnce, count }) {
  if (answer === 'refused' || answer === 'unresolvable') return { kind: answer, isTried: false };
  const isBehind = endsAtOnce && at > 0;
  if (isBehind && isSerial) return { kind: 'callee', isTried: false, steps: [] };
  if (isBehind) return { kind: 'callee', isTried: true, isLost: true, steps: [{ status: 180 }] };
  const all = (call) => isSerial || distinct(ringing(call)) === count;
  const [steps, final] = stepsOf(answer, at, all);
  return { kind: 'callee', isTried: true, steps, final };
}

/** @returns {[Step[], number | undefined]} */
function stepsOf(answer, at, all) {
  switch (answer) {
    case '200':
      return [[{ status: 180 }, { status: 200, once: all }], 200];
    case '180 then 486':
      return [[{ status: 180 }, { status: 486 }], 486];
    case '302':
      return [[{ status: 302, headers: { Contact: `<sip:elsewhere${at}@192.0.2.1>` } }], 302];
    case '302 that is followed':
      return [[{ status: 180 }, { status: 302, once: all }], 302];
    case '401':
      return [[{ status: 401, headers: { 'WWW-Authenticate': `Digest realm="place${at}", nonce="n${at}"` } }], 401];
    case '407':
      return [[{ status: 407, headers: { 'Proxy-Authenticate': `Digest realm="place${at}", nonce="n${at}"` } }], 407];
    case '603':
      return [[{ status: 180 }, { status: 603, once: all }], 603];
    case '503':
      return [[{ status: 503 }], 503];
    default:
      return [[], undefined];
  }
}

/** A destination that accepts: once the others have failed, where they do; it rings until then. */
function lastPlace({ isSerial, endsAtOnce, answer, others }) {
  if (endsAtOnce && isSerial) return { kind: 'callee', isTried: false, steps: [] };
  if (endsAtOnce) return { kind: 'callee', isTried: true, isLost: true, steps: [{ status: 180 }] };
  const saysFinal = ['180 then 486', '302', '401', '407', '503'].includes(answer);
  const once = (call) => !saysFinal || distinct(acknowledged(call)) >= others;
  return { kind: 'callee', isTried: true, steps: [{ status: 180 }, { status: 200, once }], final: 200 };
}

module.exports = { cells };
