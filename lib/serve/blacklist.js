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
      const reason = reasonOf(/** @type {Error} */ (err));
      this.#log('error', `blacklist: redis cannot be asked (${reason}); what it has said last stays`);
    }
    this.#timer = setTimeout(() => void this.start(), next);
    this.#timer.unref();
  }

  stop() {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}

/** @typedef {{host: string, port: number}} Endpoint */

/**
 * Of several sentinels, each in turn is asked which redis is the master, until that one can be asked for the set.
 *
 * @param {BlacklistOptions} options
 * @returns {Promise<string[]>}
 */
async function readSet({ host, port, password, key, sentinels, master }) {
  if (sentinels === undefined) return ask({ host: String(host), port }, password, (redis) => redis.sMembers(key));
  let failure;
  for (const sentinel of sentinels) {
    try {
      const place = await ask(readEndpoint(sentinel), undefined, (redis) => findMaster(redis, String(master)));
      return await ask(place, password, async (redis) => {
        await expectMaster(redis);
        return redis.sMembers(key);
      });
    } catch (err) {
      failure = err;
    }
  }
  throw failure;
}

/**
 * @param {Redis} sentinel
 * @param {string} name
 * @returns {Promise<Endpoint>}
 */
async function findMaster(sentinel, name) {
  const answer = /** @type {[string, string] | null} */ (await sentinel.sendCommand(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name]));
  if (answer === null) throw new Unknown(`the sentinels know no '${name}'`);
  return { host: answer[0], port: Number(answer[1]) };
}

/**
 * A sentinel that was cut off from the others may name the master of before.
 *
 * @param {Redis} redis
 */
async function expectMaster(redis) {
  const [role] = /** @type {[string]} */ (await redis.sendCommand(['ROLE']));
  if (role !== 'master') throw new Unknown('what the sentinels name is no master');
}

/** @typedef {import('@redis/client').RedisClientType<{}, {}, {}, 2>} Redis */

/**
 * Connects for one question.
 *
 * @template T
 * @param {Endpoint} place
 * @param {string | undefined} password
 * @param {(redis: Redis) => Promise<T>} question
 */
async function ask({ host, port }, password, question) {
  const { createClient } = require('@redis/client');
  const socket = { host, port, connectTimeout: PATIENCE, socketTimeout: PATIENCE, reconnectStrategy: /** @type {const} */ (false) };
  // Old redis and sentinels speak no RESP 3.
  const redis = createClient({ RESP: 2, socket, password });
  // An error is told by the promises as well.
  redis.on('error', () => {});
  try {
    await redis.connect();
    return await question(redis);
  } finally {
    redis.destroy();
  }
}

/** Redis was reached, and does not have what is wanted. */
class Unknown extends Error {}

/**
 * Why redis cannot be asked. What it says itself may quote the password, so that of it is only the first word, its code.
 *
 * @param {Error & {code?: string}} err
 */
function reasonOf(err) {
  if (err instanceof Unknown) return err.message;
  return err.code ?? /^[A-Z]+(?= )/.exec(err.message)?.[0] ?? err.constructor.name;
}

/** `host`, `host:port`, an IPv6 address in brackets. */
const ENDPOINT = /^(?:\[([\da-fA-F:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/;

/**
 * @param {string} text
 * @returns {Endpoint}
 */
function readEndpoint(text) {
  const [, address, name, port = '26379'] = ENDPOINT.exec(text) ?? [];
  return { host: address ?? name, port: Number(port) };
}

module.exports = { Blacklist, ENDPOINT };
