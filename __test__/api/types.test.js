'use strict';
// The types of the package: what they accept, what they refuse (`types/refused.ts`), in each kind of module.

const test = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { join } = require('node:path');

const TSC = require.resolve('typescript/bin/tsc');
const OPTIONS = '--noEmit --strict --target es2022 --lib es2023 --types node'.split(' ');

function compile(...args) {
  const { stdout } = spawnSync(process.execPath, [TSC, ...args], { cwd: join(__dirname, 'types'), encoding: 'utf8' });
  return stdout.trim();
}

test('as Node.js resolves modules, CommonJS and ES', () => {
  assert.equal(compile('-p', '.'), '');
});

test('as CommonJS of before', () => {
  assert.equal(compile(...OPTIONS, '--module', 'commonjs', '--moduleResolution', 'node10', 'accepted.ts', 'ordinary.ts', 'refused.ts', '--noUncheckedIndexedAccess'), '');
});

test('as a bundler resolves modules', () => {
  assert.equal(compile(...OPTIONS, '--module', 'esnext', '--moduleResolution', 'bundler', 'modules.mts'), '');
});
