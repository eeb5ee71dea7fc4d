'use strict';

/** What the version of a server of this package has in it. */
const OURS = '+drachtio.';

/** What a server can do, and since when drachtio-server could. */
const SINCE = Object.freeze({
  pings: [0, 8, 2],
  removesRoutes: [0, 9, 0],
});

/** What a server says of its version; nothing, if it is older than 0.8. */
class ServerVersion {
  #text;

  /** @param {string} [text] */
  constructor(text = '') {
    this.#text = text;
  }

  /** Whether it is one of this package, which tells more than drachtio-server does. */
  get isOurs() {
    return this.#text.includes(OURS);
  }

  /** Whether it answers pings. */
  get answersPings() {
    return this.#isSince(SINCE.pings);
  }

  /** Whether it understands `remove_route`: an older one ends the connection over it. */
  get removesRoutes() {
    return this.#isSince(SINCE.removesRoutes);
  }

  /** @param {number[]} since */
  #isSince(since) {
    const numbers = /^v?(\d+)\.(\d+)\.(\d+)/.exec(this.#text);
    // A server that says something else of its version is one of those that came later.
    if (numbers === null) return this.#text !== '';
    const at = since.findIndex((number, i) => Number(numbers[i + 1]) !== number);
    return at === -1 || Number(numbers[at + 1]) > since[at];
  }
}

module.exports = { ServerVersion };
