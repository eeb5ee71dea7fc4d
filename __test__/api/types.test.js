'use strict';
// The types of the package: what they accept, what they refuse (`types/refused.ts`), in each kind of module.

const test = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
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

test('the TypeScript of the README, where the package is installed', (t) => {
  const root = join(__dirname, '../..');
  const [, program] = /^```ts\n([^]*?)^```$/m.exec(readFileSync(join(root, 'README.md'), 'utf8'));
  const folder = mkdtempSync(join(tmpdir(), 'types-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/drachtio'), 'junction');
  symlinkSync(join(root, 'node_modules/@types'), join(folder, 'node_modules/@types'), 'junction');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'app.ts'), program);
  const { stdout } = spawnSync(process.execPath, [TSC, ...OPTIONS, '--module', 'node16', 'app.ts'], { cwd: folder, encoding: 'utf8' });
  assert.equal(stdout, '');
});
