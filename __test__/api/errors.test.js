'use strict';
// The codes of errors are those that docs/errors.md lists.

const test = require('node:test');
const assert = require('node:assert/strict');
const { readFileSync, readdirSync } = require('node:fs');
const { join } = require('node:path');
const { drachtio } = require('./support/harness');

const ROOT = join(__dirname, '../..');

/** The texts of the files below a folder whose name ends so. */
function sources(folder, extension) {
  return readdirSync(join(ROOT, folder), { recursive: true })
    .filter((file) => file.endsWith(extension))
    .map((file) => readFileSync(join(ROOT, folder, file), 'utf8'));
}

test('every code is in the table, once, and no other is', () => {
  const used = new Set([...sources('lib', '.js'), ...sources('src', '.rs')].flatMap((text) => text.match(/\bDRT_ERR_[A-Z0-9_]+(?=['"])/g) ?? []));
  const table = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');
  const listed = [...table.matchAll(/^\| `(DRT_ERR_[A-Z0-9_]+)`/gm)].map(([, code]) => code);
  assert.ok(used.size > 50);
  assert.deepEqual([...used].filter((code) => !listed.includes(code)), [], 'each of these needs a row in docs/errors.md');
  assert.deepEqual(listed.filter((code) => !used.has(code)), [], 'these are not in use any more');
  assert.equal(new Set(listed).size, listed.length);
});

test('the types name no code that is not there', () => {
  const table = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');
  const named = new Set(readFileSync(join(ROOT, 'index.d.ts'), 'utf8').match(/\bDRT_ERR_[A-Z0-9_]*[A-Z0-9]\b/g));
  assert.deepEqual([...named].filter((code) => !table.includes(`\`${code}\``)), []);
});

test('an error is an Error whose text is the message alone', () => {
  const err = new drachtio.DrachtioError('gone', 'DRT_ERR_REFUSED', { cause: 1 });
  assert.ok(err instanceof Error);
  assert.deepEqual([String(err), `not sent: ${err}`, err.name, err.code, err.cause], ['gone', 'not sent: gone', 'DrachtioError', 'DRT_ERR_REFUSED', 1]);
});
