'use strict';

/**
 * A random source that draws the same numbers from the same seed, each from 0 to less than 1: a Weyl sequence whose steps
 * are mixed (the finalizer of MurmurHash3).
 *
 * @param {number} seed a whole number of 32 bits
 * @returns {() => number}
 */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

module.exports = { randomFrom };
