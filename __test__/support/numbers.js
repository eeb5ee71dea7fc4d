'use strict';

/**
 * Random numbers that follow from a seed (mulberry32).
 *
 * @param {number} seed
 * @returns {(limit: number) => number} from 0 to below the limit
 */
function numbers(seed) {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let n = Math.imul(state ^ (state >>> 15), 1 | state);
    n = (n + Math.imul(n ^ (n >>> 7), 61 | n)) ^ n;
    return ((n ^ (n >>> 14)) >>> 0) % limit;
  };
}

module.exports = { numbers };
