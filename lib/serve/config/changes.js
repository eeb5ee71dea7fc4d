'use strict';

const { isDeepStrictEqual } = require('node:util');

/** @typedef {import('../options').ServeOptions} ServeOptions */

/** What a server takes into use while it runs, by the full names of the options. */
const TAKEN = new Set(['admin.secret', 'admin.certificate', 'engine.tls', 'engine.screening', 'requestHandlers', 'blacklist', 'observe.log.level']);

/** Sections whose options are looked at one by one. */
const SECTIONS = new Set(['', 'admin', 'engine', 'observe', 'observe.log']);

/**
 * The options that differ and cannot change while the server runs.
 *
 * @param {ServeOptions} before
 * @param {ServeOptions} after
 * @returns {string[]} their full names
 */
function changesThatWait(before, after) {
  return differences(before, after, '');
}

/**
 * @param {Record<string, any> | undefined} before
 * @param {Record<string, any> | undefined} after
 * @param {string} name
 * @returns {string[]}
 */
function differences(before = {}, after = {}, name) {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) => {
    const full = name === '' ? key : `${name}.${key}`;
    if (TAKEN.has(full) || isDeepStrictEqual(before[key], after[key])) return [];
    return SECTIONS.has(full) ? differences(before[key], after[key], full) : [full];
  });
}

module.exports = { changesThatWait };
