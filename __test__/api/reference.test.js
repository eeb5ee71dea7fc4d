'use strict';
// docs/reference.md is what the types say now.

const test = require('node:test');
const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const path = require('node:path');

test('docs/reference.md is made from index.d.ts: npm run reference', async () => {
  const { reference } = await import('../../scripts/reference.mjs');
  assert.equal(readFileSync(path.join(__dirname, '../../docs/reference.md'), 'utf8'), reference());
});
