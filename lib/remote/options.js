'use strict';

const { AssertionError } = require('node:assert');
const { misuse } = require('../errors');

/**
 * @typedef {object} ReconnectOptions
 * @property {number} [maxAttempts] connections in a row that may fail, the first one included; default: no limit
 * @property {number} [retryMaxDelay] the longest time between two attempts, in milliseconds; default 60,000
 * @property {number} [connectTimeout] how long to wait for attempts all in all, in milliseconds; default: no limit
 *
 * @typedef {object} Credentials
 * @property {string} secret
 * @property {string} tags
 *
 * @typedef {Credentials & {host: string, port: number, tls: object | undefined, reconnect: ReconnectOptions,
 *   pingInterval: number, methods: string[], logger: unknown}} ServerOptions `pingInterval` 0 for none
 *
 * @typedef {Credentials & {host: string | undefined, port: number, tls: object | undefined,
 *   server: import('node:net').Server | undefined, logger: unknown}} ListenOptions
 */

/** Where a drachtio-server listens when nobody says otherwise. */
const DEFAULT_HOST = 'localhost';
const DEFAULT_PORT = 9022;

const MAX_TAGS = 20;
const MAX_TAG = 32;
const TAG = /^[a-zA-Z0-9-_+@:]*$/;

/** What would break the line that the secret is sent in. */
const NOT_A_TOKEN = /[|\r\n]/;

/** Milliseconds between two pings. */
const PING_INTERVAL = 15_000;
const MIN_PING_INTERVAL = 5_000;
const MAX_PING_INTERVAL = 300_000;

/** Options of `connect` that say which server, and how. */
const CONNECT = new Set(['host', 'port', 'secret', 'label', 'tags', 'tls', 'reconnect', 'enablePing', 'pingInterval', 'methods', 'logger']);
const LISTEN = new Set(['host', 'port', 'secret', 'label', 'tags', 'tls', 'server', 'logger']);
const RECONNECT = new Set(['maxAttempts', 'retryMaxDelay', 'connectTimeout']);

/** Options of the engine of this process: who gives them beside a server's means something else. */
const EMBEDDED = new Set(['contact', 'engine', 'observe']);

/** What the options of `reconnect` were called up to drachtio 1.x, where they stood beside the others. */
const FLAT = new Map([
  ['max_attempts', 'maxAttempts'],
  ['retry_max_delay', 'retryMaxDelay'],
]);

/**
 * Whether the options of `connect` mean a drachtio-server, and not the engine of this process.
 *
 * @param {unknown} options
 */
function isRemote(options) {
  if (typeof options !== 'object' || options === null) return false;
  const { host, port } = /** @type {Record<string, unknown>} */ (options);
  return host !== undefined || port !== undefined;
}

/**
 * Reads the options of `connect` that mean a server.
 *
 * @param {unknown} given
 * @returns {ServerOptions}
 * @throws {TypeError} `DRT_ERR_INVALID_OPTION`, which names the option
 */
function readServerOptions(given) {
  const options = known('connect', inGroups(given), CONNECT);
  return {
    ...readCredentials('connect', options),
    host: text('connect', 'host', options.host ?? DEFAULT_HOST),
    port: port('connect', options.port ?? DEFAULT_PORT, 1),
    tls: readTls('connect', options.tls),
    reconnect: readReconnect(options.reconnect ?? {}),
    pingInterval: readPing(options.enablePing, options.pingInterval),
    methods: readMethods(options.methods ?? []),
    logger: options.logger,
  };
}

/**
 * Reads the options of `listen`.
 *
 * @param {unknown} given
 * @returns {ListenOptions}
 * @throws {TypeError} `DRT_ERR_INVALID_OPTION`, which names the option
 */
function readListenOptions(given) {
  const options = known('listen', given, LISTEN);
  const server = /** @type {import('node:net').Server | undefined} */ (options.server);
  if (server !== undefined && typeof server?.listen !== 'function') throw refuse('listen', 'server', 'a net.Server or tls.Server');
  return {
    ...readCredentials('listen', options),
    host: options.host === undefined ? undefined : text('listen', 'host', options.host),
    port: port('listen', options.port ?? 0, 0),
    tls: readTls('listen', options.tls),
    server,
    logger: options.logger,
  };
}

/**
 * The options with those of drachtio 1.x where they stand now.
 *
 * @param {unknown} given
 */
function inGroups(given) {
  if (typeof given !== 'object' || given === null || ![...FLAT.keys()].some((name) => name in given)) return given;
  const { reconnect, ...options } = /** @type {Record<string, unknown>} */ (given);
  const moved = /** @type {Record<string, unknown>} */ ({});
  for (const [flat, name] of FLAT) {
    moved[name] = options[flat];
    delete options[flat];
  }
  return { ...options, reconnect: { ...moved, .../** @type {object} */ (reconnect) } };
}

/**
 * Applications give their whole configuration to `connect`, so one more option is no error; a misspelt one must be seen.
 *
 * @param {string} call
 * @param {unknown} options
 * @param {Set<string>} names
 * @returns {Record<string, unknown>}
 */
function known(call, options, names) {
  if (typeof options !== 'object' || options === null) throw misuse(`${call}: options must be an object`, 'DRT_ERR_INVALID_OPTION');
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || names.has(name)) continue;
    if (EMBEDDED.has(name)) {
      const choice = call === 'connect' ? "'host' and 'port' mean a drachtio-server: leave out these, or this one" : 'leave it out';
      throw misuse(`${call}: option '${name}' is one of the engine of this process; ${choice}`, 'DRT_ERR_INVALID_OPTION');
    }
    process.emitWarning(`${call}: unknown option '${name}'`, { type: 'DrachtioWarning', code: 'DRT_WARN_UNKNOWN_OPTION' });
  }
  return /** @type {Record<string, unknown>} */ (options);
}

/**
 * @param {string} call
 * @param {Record<string, unknown>} options
 */
function readCredentials(call, { secret, label, tags }) {
  if (typeof secret !== 'string' || NOT_A_TOKEN.test(secret)) throw refuse(call, 'secret', 'a text without bars and line breaks');
  const all = tags === undefined ? [] : [tags].flat();
  if (label !== undefined) all.push(label);
  return { secret, tags: readTags(call, all).join(',') };
}

/**
 * The texts are those that applications know.
 *
 * @param {string} call
 * @param {unknown[]} tags
 */
function readTags(call, tags) {
  if (tags.length > MAX_TAGS) throw new AssertionError({ message: `Srf#constructor: only ${MAX_TAGS} tags may be supplied` });
  return tags.map((tag) => {
    if (typeof tag !== 'string') throw refuse(call, 'tags', 'texts');
    if (tag.length > MAX_TAG) throw new AssertionError({ message: `Srf#constructor: tag values must be ${MAX_TAG} characters or less` });
    if (!TAG.test(tag)) throw new AssertionError({ message: 'Srf#constructor: tag values may only contain characters a-zA-Z0-9-_+@:' });
    return tag;
  });
}

/**
 * @param {string} call
 * @param {unknown} tls
 * @returns {object | undefined}
 */
function readTls(call, tls) {
  if (tls === undefined || tls === null || tls === false) return undefined;
  if (tls === true) return {};
  if (typeof tls !== 'object') throw refuse(call, 'tls', "true, or options of Node's module tls");
  return tls;
}

/** @param {unknown} given */
function readReconnect(given) {
  const options = known('connect', given, RECONNECT);
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !isWhole(value, name === 'maxAttempts' ? 1 : 0, Number.MAX_SAFE_INTEGER)) {
      throw refuse('connect', `reconnect.${name}`, 'a whole number');
    }
  }
  return /** @type {ReconnectOptions} */ (options);
}

/**
 * @param {unknown} enabled
 * @param {unknown} interval
 */
function readPing(enabled, interval) {
  if (enabled !== undefined && typeof enabled !== 'boolean') throw refuse('connect', 'enablePing', 'true or false');
  if (interval !== undefined && !isWhole(interval, MIN_PING_INTERVAL, MAX_PING_INTERVAL)) {
    throw refuse('connect', 'pingInterval', `a whole number of milliseconds from ${MIN_PING_INTERVAL} to ${MAX_PING_INTERVAL}`);
  }
  return enabled === true ? /** @type {number} */ (interval ?? PING_INTERVAL) : 0;
}

/** @param {unknown} methods */
function readMethods(methods) {
  if (Array.isArray(methods) && methods.every((method) => typeof method === 'string' && method !== '' && !NOT_A_TOKEN.test(method))) return methods;
  throw refuse('connect', 'methods', 'an array of methods');
}

/**
 * @param {string} call
 * @param {string} name
 * @param {unknown} value
 */
function text(call, name, value) {
  if (typeof value !== 'string' || value === '') throw refuse(call, name, 'a host name or address');
  return value;
}

/**
 * @param {string} call
 * @param {unknown} value
 * @param {number} min
 */
function port(call, value, min) {
  const number = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
  if (!isWhole(number, min, 65_535)) throw refuse(call, 'port', `a whole number from ${min} to 65535`);
  return number;
}

/**
 * @param {unknown} value
 * @param {number} min
 * @param {number} max
 * @returns {value is number}
 */
function isWhole(value, min, max) {
  return Number.isInteger(value) && /** @type {number} */ (value) >= min && /** @type {number} */ (value) <= max;
}

/**
 * @param {string} call
 * @param {string} name
 * @param {string} says
 */
function refuse(call, name, says) {
  return misuse(`${call}: option '${name}' must be ${says}`, 'DRT_ERR_INVALID_OPTION');
}

module.exports = { isRemote, readServerOptions, readListenOptions };
