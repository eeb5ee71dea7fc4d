'use strict';
// docs/situations.md: every test that it names is there.

const test = require('node:test');
const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { ROOT, withoutTests } = require('./support/named_tests');

const table = readFileSync(join(ROOT, 'docs/situations.md'), 'utf8');
const rows = table.split('\n').filter((line) => /^\| \d+ \|/.test(line));

test('there are 106 situations, in their order', () => {
  assert.deepEqual(rows.map((row) => Number(row.split('|')[1])), Array.from({ length: 106 }, (_, i) => i + 1));
});

test('each has a test that is there', () => {
  assert.deepEqual(withoutTests(rows), []);
});
