'use strict';
// docs/situations.md: every test that it names is there.

const test = require('node:test');
const assert = require('node:assert/strict');
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const ROOT = join(__dirname, '../..');
const table = readFileSync(join(ROOT, 'docs/situations.md'), 'utf8');
const rows = table.split('\n').filter((line) => /^\| \d+ \|/.test(line));

/** Whether a file has a test of that name: a function in Rust, a title in JavaScript. */
function hasTest(file, name) {
  const path = join(ROOT, file);
  if (!existsSync(path)) return false;
  const text = readFileSync(path, 'utf8');
  return file.endsWith('.rs') ? text.includes(`fn ${name}(`) : ["'", '"', '`'].some((quote) => text.includes(`(${quote}${name}${quote}`));
}

test('there are 82 situations, in their order', () => {
  assert.deepEqual(rows.map((row) => Number(row.split('|')[1])), Array.from({ length: 82 }, (_, i) => i + 1));
});

test('each has a test that is there', () => {
  const wanting = [];
  for (const row of rows) {
    const cell = row.split('|').slice(4, -1).join('|').trim();
    const named = cell.split('<br>').map((one) => /^`([^`]+)` (.+)$/.exec(one));
    if (cell === '' || named.some((one) => one === null || !hasTest(one[1], one[2]))) wanting.push(row);
  }
  assert.deepEqual(wanting, []);
});
