'use strict';

/**
 * A `Map` for what comes and goes all the time: requests, answers that are awaited.
 *
 * When entries come and go, a Map moves to new storage every so often. The old one keeps the entries of that moment and
 * points to the new one, so once it is in the old generation of V8's heap, it and all its successors, with what was in
 * them, outlive every scavenge, until the next full garbage collection. Here they keep only boxes that are empty by then.
 *
 * @template K, V
 */
class Table {
  /** @type {Map<K, {value: V | undefined}>} */
  #boxes = new Map();

  get size() {
    return this.#boxes.size;
  }

  /** @param {K} key */
  get(key) {
    return this.#boxes.get(key)?.value;
  }

  /**
   * @param {K} key
   * @param {V} value
   */
  set(key, value) {
    const box = this.#boxes.get(key);
    if (box === undefined) this.#boxes.set(key, { value });
    else box.value = value;
    return this;
  }

  /**
   * @param {K} key
   * @returns {boolean} whether it was there
   */
  delete(key) {
    const box = this.#boxes.get(key);
    if (box === undefined) return false;
    box.value = undefined;
    return this.#boxes.delete(key);
  }

  clear() {
    this.#boxes.clear();
  }

  keys() {
    return this.#boxes.keys();
  }

  /** @returns {Generator<V>} */
  *values() {
    for (const { value } of this.#boxes.values()) yield /** @type {V} */ (value);
  }

  /** @returns {Generator<[K, V]>} */
  *[Symbol.iterator]() {
    for (const [key, { value }] of this.#boxes) yield [key, /** @type {V} */ (value)];
  }
}

module.exports = { Table };
