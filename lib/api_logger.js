'use strict';

const { createWriteStream } = require('node:fs');
const { misuse } = require('./errors');
const { decode } = require('./wire_text');

/**
 * What `app.set('api logger', …)` is given: every command and every event of the application, as
 * text, for somebody who wants to see what goes over the boundary.
 */
class ApiLogger {
  #write;
  #end;

  /**
   * @param {unknown} target a writable stream, the name of a file to append to, or a function
   * @throws {TypeError} `DRT_ERR_INVALID_OPTION`
   */
  constructor(target) {
    if (typeof target === 'function') {
      this.#write = /** @type {(text: string) => void} */ (target);
      this.#end = () => {};
      return;
    }
    const own = typeof target === 'string' ? createWriteStream(target, { flags: 'a' }) : undefined;
    const stream = /** @type {NodeJS.WritableStream} */ (own ?? target);
    if (typeof stream?.write !== 'function') {
      throw misuse("'api logger' must be a stream, a file name, a function or null", 'DRT_ERR_INVALID_OPTION');
    }
    this.#write = (/** @type {string} */ text) => stream.write(text);
    this.#end = () => own?.end();
  }

  /**
   * @param {number} kind
   * @param {number} id
   * @param {string} head
   * @param {string} text
   */
  sent(kind, id, head, text) {
    this.#write(`===>\r\n${kind}|${id}|${head}\r\n${text}\r\n`);
  }

  /**
   * @param {number} kind
   * @param {number} id
   * @param {string} frame
   */
  received(kind, id, frame) {
    this.#write(`<===\r\n${kind}|${id}|${decode(frame)}\r\n`);
  }

  /** Closes the file, if it is one. */
  end() {
    this.#end();
  }
}

module.exports = { ApiLogger };
