'use strict';

const { either, flag, list, milliseconds, section, text, whole } = require('./option_kinds');

/** The most that a table of the engine may be told to hold. */
const TABLE = 10_000_000;

/**
 * The options of `connect({engine})`: a table that everything else about them follows. The engine reads
 * them in `src/addon/settings.rs`, where their defaults can be found; `docs/options.md` and
 * `EngineOptions` in `index.d.ts` describe them, and tests hold the four together.
 */
const ENGINE_OPTIONS = section({
  timers: section({
    t1: milliseconds(10, 60_000),
    t2: milliseconds(10, 600_000),
    t4: milliseconds(10, 600_000),
    c: milliseconds(1_000),
    application: milliseconds(100),
    ringing: milliseconds(1_000),
  }),
  limits: section({
    serverTransactions: whole(1, TABLE),
    clientTransactions: whole(1, TABLE),
    dialogs: whole(1, TABLE),
    proxies: whole(1, TABLE),
    lookups: whole(1, TABLE),
    connections: whole(1, TABLE),
    queuedMessages: whole(1, TABLE),
    queuedBytes: whole(65_536, 1_073_741_824, 'bytes'),
  }),
  optionsAutoAnswer: either(flag(), text('a User-Agent', 'monitor')),
  supported: list(text('an option tag', 'precondition')),
  accept: list(text('a media type', 'application/sdp')),
});

/**
 * Reads the option `engine` of `connect`.
 *
 * @param {unknown} options
 * @returns {Record<string, unknown>} with nothing in it that the engine does not know
 * @throws {TypeError} with code `DRT_ERR_INVALID_OPTION` and the full name of the option
 */
function readEngineOptions(options) {
  return /** @type {Record<string, unknown>} */ (ENGINE_OPTIONS.read(options, 'engine'));
}

module.exports = { ENGINE_OPTIONS, readEngineOptions };
