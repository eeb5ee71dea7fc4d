'use strict';

const { misuse } = require('../errors');

/** @typedef {number | string} Duration a number of milliseconds, or a text such as `'32s'` */

const UNITS = Object.freeze({ ms: 1, s: 1_000, m: 60_000, h: 3_600_000 });

const TEXT = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h)$/;

/** The longest time: a thousand years. */
const MAX = 3.2e13;

/**
 * A time in whole milliseconds.
 *
 * @param {unknown} time
 * @param {string} name what the time is for
 * @returns {number}
 */
function milliseconds(time, name) {
  const parts = typeof time === 'string' ? TEXT.exec(time) : null;
  const value = parts === null ? time : Number(parts[1]) * UNITS[/** @type {keyof typeof UNITS} */ (parts[2])];
  if (typeof value === 'number' && value >= 0 && value <= MAX) return Math.round(value);
  throw misuse(`${name} must be a time such as '32s', '500ms', '3m' or '1h', or a number of milliseconds`, 'DRT_ERR_INVALID_ARGUMENT');
}

module.exports = { milliseconds };
