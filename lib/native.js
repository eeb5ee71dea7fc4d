'use strict';

const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { DrachtioError } = require('./errors');
const { PUBLISHED, addonFile, addonPackage, current, possible } = require('./platform');
const { VERSION } = require('./version');

/**
 * The engine as the native part exports it: see `src/addon`. `submit` takes and `take` gives flat
 * arrays of four entries per command or event: kind, id, head or frame, text or index.
 *
 * @typedef {object} StartOptions
 * @property {import('./contact_options').ContactOptions[]} contacts where to listen
 * @property {Record<string, unknown>} engine see `engine_options.js`
 * @property {Record<string, unknown>} [server] for other applications: see `src/addon/server_settings.rs`
 * @property {Record<string, any>} [observe] see `observe_options.js`
 *
 * @typedef {object} Engine
 * @property {(options: StartOptions & {routes: string[]}) => Promise<{hostports: string[], adminHostports?: string[]}>} start
 * @property {(batch: (string | number)[]) => void} submit
 * @property {(collect: (...entries: (string | number)[]) => (string | number)[]) => (string | number)[]} take
 * @property {(tls: Record<string, unknown>) => Promise<void>} reloadTls
 * @property {() => void} drain
 * @property {(secrets: string[]) => void} setSecrets
 * @property {(tls: Record<string, unknown>) => void} setServerTls
 * @property {() => {applications: number, unauthenticated: number, departed: number}} applications
 * @property {(screening: Record<string, unknown>) => void} setScreening
 * @property {(level: string, text: string) => void} log
 * @property {(level: string) => void} setLogLevel
 * @property {() => Promise<string>} metrics in the text format of Prometheus
 * @property {() => Record<string, number>} census
 * @property {() => Record<string, number>} counters
 * @property {() => Promise<void>} close
 */

/**
 * @typedef {object} EngineMembers
 * @property {readonly string[]} headerNames the canonical name of each header by its number
 * @typedef {(new (wake: () => void) => Engine) & EngineMembers} EngineClass
 */

/**
 * An element of an XML document, and the line it begins on.
 *
 * @typedef {{name: string, line: number, text: string, attributes: {name: string, value: string, line: number}[], children: XmlElement[]}} XmlElement
 */

/**
 * A value of a TOML document, and the line it begins on. `kind` is `table`, `array`, `string`, `integer`, `float`, `boolean`
 * or `datetime`.
 *
 * @typedef {{key: string, line: number, kind: string, text: string, children: TomlValue[]}} TomlValue
 */

/**
 * What the native part has beside the engine.
 *
 * @typedef {object} Addon
 * @property {EngineClass} Engine
 * @property {() => string[]} headerNames
 * @property {(text: string) => XmlElement} parseXml
 * @property {(text: string) => TomlValue} parseToml
 * @property {(options: StartOptions) => void} checkOptions throws what `start` would, without starting anything
 * @property {CodecClass} ProtocolCodec
 * @property {new (options: StartOptions & {routes: string[]}, machine: string[], seed: number) => SimulatedEngine} SimulatedEngine
 */

/**
 * An engine whose time and network are made in `lib/testing`: see `src/addon/simulated_engine.rs`. Times are milliseconds.
 *
 * @typedef {object} SimulatedEngine
 * @property {string[]} hostports
 * @property {number} connectTimeout
 * @property {number} waiting how many events there are to take
 * @property {number | null} nextTimeout
 * @property {(now: number, batch: (string | number)[]) => void} submit
 * @property {() => (string | number)[]} take
 * @property {(now: number, transport: string, local: string, peer: string, connection: number | undefined, payload: Buffer) => void} receive
 * @property {(now: number) => void} timeout
 * @property {() => (import('./testing/network').Path & {token?: number, payload: Buffer})[]} transmits
 * @property {(token: number, connection?: number) => void} sent
 * @property {(now: number, token: number, failure: string) => void} unsent
 * @property {() => number[]} hangUps
 * @property {(now: number, connection: number) => void} connectionClosed
 * @property {() => (import('./testing/names').Query & {id: number})[]} queries
 * @property {(now: number, id: number, destinations: import('./testing/names').Destination[]) => void} resolved
 * @property {(screening: Record<string, unknown>) => void} setScreening
 * @property {() => void} drain
 * @property {(connections: number) => string} metrics
 * @property {(connections: number) => Record<string, number>} census
 * @property {() => Record<string, number>} counters
 * @property {(now: number) => void} close
 */

/**
 * The drachtio protocol: `receive` gives and `encode` takes the same arrays as an engine.
 *
 * @typedef {object} Codec
 * @property {(bytes: Uint8Array) => (string | number)[]} receive
 * @property {(batch: (string | number)[]) => Buffer} encode
 *
 * @typedef {(new () => Codec) & {headerNames: readonly string[]}} CodecClass
 */

const ROOT = join(__dirname, '..');

/** @type {EngineClass | undefined} */
let engineClass;

/** @type {Addon | undefined} */
let addon;

/**
 * The class of the engine: loaded at the first call, so that an application that only parses
 * messages needs nothing native.
 *
 * @returns {EngineClass}
 * @throws {DrachtioError} `DRT_ERR_NO_NATIVE`
 */
function loadEngine() {
  if (engineClass === undefined) {
    const { Engine, headerNames } = loadAddon();
    Engine.headerNames ??= headerNames();
    engineClass = Engine;
  }
  return engineClass;
}

/**
 * The class of the protocol's codec: an application that talks to a server needs no engine.
 *
 * @returns {CodecClass}
 * @throws {DrachtioError} `DRT_ERR_NO_NATIVE`
 */
function loadCodec() {
  const { ProtocolCodec, headerNames } = loadAddon();
  ProtocolCodec.headerNames ??= headerNames();
  return ProtocolCodec;
}

/**
 * Everything that is native, loaded at the first call.
 *
 * @returns {Addon}
 * @throws {DrachtioError} `DRT_ERR_NO_NATIVE`
 */
function loadAddon() {
  addon ??= load();
  return addon;
}

/**
 * Puts another class in the engine's place for the agents that connect from now on. The tests of
 * this package do so; `undefined` brings the native one back.
 *
 * @param {EngineClass | undefined} substitute
 */
function substituteEngine(substitute) {
  engineClass = substitute;
}

/**
 * Does something that connects agents with another class in the engine's place.
 *
 * @template T
 * @param {EngineClass} substitute
 * @param {() => T} act
 * @returns {T}
 */
function withEngine(substitute, act) {
  const before = engineClass;
  engineClass = substitute;
  try {
    return act();
  } finally {
    engineClass = before;
  }
}

/** @returns {Addon} */
function load() {
  const problems = [];
  for (const path of candidates()) {
    try {
      return require(path);
    } catch (err) {
      problems.push(`${path}: ${/** @type {Error} */ (err).message}`);
    }
  }
  throw new DrachtioError(explain(problems), 'DRT_ERR_NO_NATIVE');
}

/** Where the native part is, the most wanted place first: beside this package, as it is built from source, or in a package of its own. */
function candidates() {
  const override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
  if (override) return [override];
  const built = possible().map((platform) => join(ROOT, addonFile(platform)));
  return [...built.filter((path) => existsSync(path)), ...possible().flatMap(installed)];
}

/**
 * The addon in the package of a platform. One of another version than this is as good as none: what passes between the two
 * parts may differ.
 *
 * @param {string} platform
 * @returns {string[]}
 */
function installed(platform) {
  const name = addonPackage(platform);
  try {
    return require(`${name}/package.json`).version === VERSION ? [require.resolve(name)] : [];
  } catch {
    return [];
  }
}

/**
 * What is missing, and what can be done.
 *
 * @param {string[]} problems of the addons that are there
 */
function explain(problems) {
  const platform = current();
  const name = `${addonPackage(platform)}@${VERSION}`;
  const published = PUBLISHED.includes(platform);
  const absent = published
    ? `it is not in ${ROOT}, and the optional package ${name} is not installed`
    : `it is not in ${ROOT}, and no package is published for this platform`;
  return [
    problems.length > 0
      ? `The native part of drachtio does not load on ${platform}:`
      : `The native part of drachtio for ${platform} is missing: ${absent}.`,
    ...problems,
    'What can be done:',
    ...(published ? [`- install the package that has it: npm install ${name}`] : []),
    `- build it, with Rust 1.88 or later (https://rustup.rs): npm run build --prefix "${ROOT}"`,
  ].join('\n');
}

module.exports = { loadAddon, loadCodec, loadEngine, substituteEngine, withEngine };
