'use strict';

const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const ROOT = join(__dirname, '../../..');

/** What may stand before the title of a test that is there several times, as in `${name}: `. */
const PREFIX = '(?:[^`]*\\$\\{[^`]*\\}:? )?';

/** Whether a file has a test of that name: a function in Rust, a title in JavaScript. */
function hasTest(file, name) {
  const path = join(ROOT, file);
  if (!existsSync(path)) return false;
  const text = readFileSync(path, 'utf8');
  if (file.endsWith('.rs')) return text.includes(`fn ${name}(`);
  const title = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll("'", "\\\\?'");
  return new RegExp(`[tT]est\\((?:'${title}'|"${title}"|\`${PREFIX}${title}\`)`).test(text);
}

/**
 * The rows of the tables of a document whose last cell is to name tests, each as `file` and title, that are not there.
 *
 * @param {string[]} rows
 */
function withoutTests(rows) {
  return rows.filter((row) => {
    const cell = row.split(' | ').at(-1).replace(/ \|$/, '').trim();
    const named = cell.split('<br>').map((one) => /^`([^`]+)` (.+)$/.exec(one));
    return named.some((one) => one === null || !hasTest(one[1], one[2]));
  });
}

module.exports = { ROOT, withoutTests };
