'use strict';

const { isIP } = require('node:net');

/** @typedef {import('./options').BlacklistOptions} BlacklistOptions */

/** How soon redis is asked again when it could not be, in milliseconds. */
const RETRY_INTERVAL = 60_000;

/** How long redis may take to be connected to, and to answer, in milliseconds. */
const PATIENCE = 5_000;

/**
 * A set of addresses in redis, read again and again. While redis cannot be asked, what it has said last counts.
 */
class Blacklist {
  #options;
  #apply;
  #log;
  /** @type {NodeJS.Timeout | undefined} */
  #timer = undefined;
  #isOver = false;

  /**
   * @param {BlacklistOptions} options
   * @param {(addresses: string[]) => void} apply takes the addresses into use
   * @param {(level: string, text: string) => void} log
   */
  constructor(options, apply, log) {
    this.#options = options;
    this.#apply = apply;
    this.#log = log;
  }

  /** Reads the set, and goes on doing so. */
  async start() {
    let next = this.#options.refreshInterval;
    try {
      const members = await readSet(this.#options);
      if (this.#isOver) return;
      const addresses = members.filter((member) => isIP(member) !== 0);
      if (addresses.length < members.length) this.#log('warning', `blacklist: ${members.length - addresses.length} members of '${this.#options.key}' are not addresses`);
      this.#apply(addresses);
      this.#log('info', `blacklist: ${addresses.length} addresses are blocked`);
    } catch (err) {
      if (this.#isOver) return;
      next = Math.min(next, RETRY_INTERVAL);
      // What redis says may quote the password.
      this.#log('error', `blacklist: redis cannot be asked (${/** @type {NodeJS.ErrnoException} */ (err).code ?? /** @type {Error} */ (err).name}); what it has said last stays`);
    }
    this.#timer = setTimeout(() => void this.start(), next);
    this.#timer.unref();
  }

  stop() {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}

/**
 * @param {BlacklistOptions} options
 * @returns {Promise<string[]>}
 */
async function readSet(options) {
  const { createClient, createSentinel } = require('@redis/client');
  const { host, port, password, key, sentinels, master } = options;
  const connection = { connectTimeout: PATIENCE, socketTimeout: PATIENCE, reconnectStrategy: /** @type {const} */ (false) };
  const client =
    sentinels === undefined
      ? createClient({ socket: { host, port, ...connection }, password })
      : createSentinel({
          name: String(master),
          sentinelRootNodes: sentinels.map(readEndpoint),
          maxCommandRediscovers: 2,
          nodeClientOptions: { password, socket: connection },
          sentinelClientOptions: { socket: connection },
        });
  // An error is told by the promises as well.
  client.on('error', () => {});
  try {
    await client.connect();
    return await client.sMembers(key);
  } finally {
    client.destroy();
  }
}

/** @param {string} text `host:port` */
function readEndpoint(text) {
  const [host, port = '26379'] = text.split(':');
  return { host, port: Number(port) };
}

module.exports = { Blacklist };
