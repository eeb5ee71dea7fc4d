'use strict';

const { COMPACT, isPreserved, lowerName } = require('./names');

/** The number of every header that the native parser has no number for. */
const OTHER = 255;

/**
 * The numbers by which the native parser calls the headers it knows. The list of names comes from
 * it; this side only turns it round.
 */
class WireNames {
  /** @param {readonly string[]} names the canonical name of each header by its number */
  constructor(names) {
    /** The key in `msg.headers` of each header by its number; undefined if that depends on how it is written. */
    this.stored = names.map((name) => (isPreserved(name) ? undefined : lowerName(name)));
    /** @type {Map<string, number>} */
    this.numbers = new Map();
    names.forEach((name, number) => {
      this.numbers.set(name, number).set(lowerName(name), number);
    });
    for (const [form, name] of COMPACT) {
      const number = this.numbers.get(name);
      if (number !== undefined) this.numbers.set(form, number);
    }
  }

  /**
   * The number of a header, in whatever case or form the name is written.
   *
   * @param {string} name
   * @returns {number} `OTHER` when it has none
   */
  numberOf(name) {
    return this.numbers.get(name) ?? this.numbers.get(name.toLowerCase()) ?? OTHER;
  }
}

module.exports = { WireNames, OTHER };
