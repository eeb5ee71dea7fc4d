'use strict';

const { ENGINE_OPTIONS } = require('../../../lib/engine_options');

/**
 * Every option of the engine, with its name below `engine`, in the order of the table.
 *
 * @returns {{name: string, kind: import('../../../lib/option_kinds').Kind}[]}
 */
function everyOption(section = ENGINE_OPTIONS, prefix = '') {
  return Object.entries(section.entries).flatMap(([key, kind]) =>
    kind.entries === undefined ? [{ name: prefix + key, kind }] : everyOption(kind, `${prefix}${key}.`),
  );
}

/** The `engine` in which one option is given, by its name below `engine`. */
function withOption(name, value) {
  return name.split('.').reduceRight((inner, key) => ({ [key]: inner }), value);
}

module.exports = { everyOption, withOption };
