'use strict';

const { loadAddon } = require('../../native');

/** @typedef {import('./findings').Findings} Findings */
/** @typedef {import('../../native').TomlValue} TomlValue */

/**
 * Reads a configuration in TOML: the options of `drachtio.serve`, and nothing else.
 *
 * @param {string} text
 * @param {string} file its name, for what is said of it
 * @param {Findings} findings
 * @returns {{options: Record<string, any>, lines: Map<string, string>}} the options, and where each of them stands by its
 *   full name
 */
function readToml(text, file, findings) {
  /** @type {Map<string, string>} */
  const lines = new Map();
  try {
    const options = /** @type {Record<string, any>} */ (valueOf(loadAddon().parseToml(text), '', file, lines));
    return { options, lines };
  } catch (err) {
    const [line, , ...problem] = /** @type {Error} */ (err).message.split(':');
    findings.error(`${file}:${line}`, problem.join(':').trim());
    return { options: {}, lines };
  }
}

/**
 * @param {TomlValue} node
 * @param {string} name its full name
 * @param {string} file
 * @param {Map<string, string>} lines
 * @returns {unknown}
 */
function valueOf(node, name, file, lines) {
  lines.set(name, `${file}:${node.line}`);
  if (node.kind === 'table') {
    const entries = node.children.map((child) => [child.key, valueOf(child, name === '' ? child.key : `${name}.${child.key}`, file, lines)]);
    return Object.fromEntries(entries);
  }
  if (node.kind === 'array') return node.children.map((child, at) => valueOf(child, `${name}[${at}]`, file, lines));
  if (node.kind === 'boolean') return node.text === 'true';
  if (node.kind === 'integer' || node.kind === 'float') return Number(node.text);
  return node.text;
}

module.exports = { readToml };
