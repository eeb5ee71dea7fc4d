'use strict';
// Draws the messages of a call as a ladder: one line down per party, one arrow per message, the time on the left.

const GAP = 31;
const TIME = 8;

/**
 * @typedef {object} Message
 * @property {string} from  who sent it
 * @property {string} to    who received it
 * @property {number} time  in ms, on any clock
 * @property {string} label such as `INVITE sip:bob@example.com` or `180 Ringing`
 */

/**
 * A drawing 74 columns wide for three parties, one line per message in the order of their times.
 *
 * @param {Message[]} messages
 * @param {string[]} [parties] from left to right
 * @returns {string}
 */
function drawLadder(messages, parties = ['alice', 'proxy', 'bob']) {
  const sorted = [...messages].sort((a, b) => a.time - b.time);
  const start = sorted[0]?.time ?? 0;
  const head = parties.map((name) => centre(name)).join('');
  const rest = sorted.map((message) => {
    const time = (message.time - start).toFixed(1).padStart(TIME);
    return `${time}   ${rung(message, parties)}`;
  });
  const bare = `${' '.repeat(TIME + 3)}${parties.map(() => '│').join(' '.repeat(GAP))}`;
  return [`${'ms'.padStart(TIME)} ${head}`.trimEnd(), bare, ...rest, bare].join('\n');
}

/** A party's name, centred over its line. */
function centre(name) {
  const left = 2 - Math.floor((name.length - 1) / 2);
  return `${' '.repeat(Math.max(0, left))}${name}`.padEnd(GAP + 1);
}

function rung({ from, to, label }, parties) {
  const [source, target] = [parties.indexOf(from), parties.indexOf(to)];
  const left = Math.min(source, target);
  const cells = parties.slice(1).map((_, gap) => (gap === left ? arrow(label, source < target) : ' '.repeat(GAP)));
  return `│${cells.join('│')}│`;
}

function arrow(label, rightward) {
  const text = label.length > GAP - 6 ? `${label.slice(0, GAP - 7)}…` : label;
  const shaft = '─'.repeat(GAP - 4 - text.length);
  return rightward ? `─ ${text} ${shaft}►` : `◄${shaft} ${text} ─`;
}

module.exports = { drawLadder };
