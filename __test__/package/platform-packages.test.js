'use strict';
// The packages of a release: the main one has no addon, and finds it in the package of this platform.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { PUBLISHED, addonFile, addonPackage, current } = require('../../lib/platform');
const { runProgram } = require('../examples/run');
const { freePort } = require('../sipp/app');
const { overUdp, request } = require('../sipp/wire');

const root = path.join(__dirname, '../..');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const platform = current();
const { version } = readJson(path.join(root, 'package.json'));

let folder;
let main;
let native;

before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'drachtio-'));
  release('--out', folder);
  main = pack('drachtio');
  native = pack(path.join('npm', platform));
});

after(() => rmSync(folder, { recursive: true, force: true }));

test('a platform package is its addon, for the machines that can load it', () => {
  const manifest = readJson(path.join(folder, 'npm', platform, 'package.json'));
  const [os, cpu, abi] = platform.split('-');
  assert.deepEqual(native.files, ['LICENSE', 'README.md', addonFile(platform), 'package.json'].sort());
  assert.deepEqual({ name: manifest.name, version: manifest.version, main: manifest.main }, { name: addonPackage(platform), version, main: addonFile(platform) });
  assert.deepEqual({ os: manifest.os, cpu: manifest.cpu, libc: manifest.libc }, { os: [os], cpu: [cpu], libc: { gnu: ['glibc'], musl: ['musl'] }[abi] });
});

test('the main package has no addon, what it takes to build one, and every platform of the same version as an option', () => {
  const manifest = readJson(path.join(folder, 'drachtio', 'package.json'));
  assert.deepEqual(manifest.optionalDependencies, Object.fromEntries(PUBLISHED.map((name) => [addonPackage(name), version])));
  assert.deepEqual(main.files.filter((file) => file.endsWith('.node')), []);
  for (const file of ['src/lib.rs', 'build.rs', 'Cargo.toml', 'Cargo.lock', 'scripts/build.mjs', 'README.md', 'LICENSE']) {
    assert.ok(main.files.includes(file), `${file} is in the package`);
  }
  for (const script of ['preinstall', 'install', 'postinstall']) assert.equal(manifest.scripts[script], undefined);
});

test('installed together, an application answers OPTIONS, with nothing built', async () => {
  const application = install('together', main, native);
  assert.deepEqual(readdirSync(path.join(application, 'node_modules', 'drachtio')).filter((file) => file.endsWith('.node')), []);
  cpSync(path.join(__dirname, 'application.js'), path.join(application, 'application.js'));
  const port = await freePort();
  // Without a PATH there is no cargo either.
  const running = runProgram(process.execPath, ['application.js', String(port)], { cwd: application, env: { ...process.env, PATH: '' } });
  await running.printed('listening');
  assert.deepEqual(await overUdp(port, [request()]), ['200']);
  await running.stop();
});

test('without the platform package it says what is missing, and what can be done', () => {
  const application = install('alone', main);
  const installed = path.join(application, 'node_modules', 'drachtio');
  assert.ok(!existsSync(path.join(application, 'node_modules', addonPackage(platform))));
  assert.equal(connectIn(application), [
    `DRT_ERR_NO_NATIVE: The native part of drachtio for ${platform} is missing: it is not in ${installed}, and the optional package ${addonPackage(platform)}@${version} is not installed.`,
    'What can be done:',
    `- install the package that has it: npm install ${addonPackage(platform)}@${version}`,
    `- build it, with Rust 1.88 or later (https://rustup.rs): npm run build --prefix "${installed}"`,
  ].join('\n'));
});

test('a platform package of another version is not used', () => {
  const application = path.join(folder, 'alone');
  const stale = path.join(application, 'node_modules', addonPackage(platform));
  mkdirSync(stale);
  writeFileSync(path.join(stale, 'package.json'), JSON.stringify({ name: addonPackage(platform), version: '0.0.1', main: 'index.js' }));
  writeFileSync(path.join(stale, 'index.js'), "throw new Error('loaded');");
  assert.match(connectIn(application), new RegExp(`- install .*: npm install ${addonPackage(platform)}@${version}\n`));
  assert.doesNotMatch(connectIn(application), /loaded/);
});

test('a release that lacks a platform is refused', () => {
  assert.throws(() => release('--out', path.join(folder, 'all'), '--all'), ({ stderr }) => {
    const missing = PUBLISHED.map(addonFile).filter((file) => !existsSync(path.join(root, file)));
    return missing.length > 0 && stderr.includes(`Addons are missing: ${missing.join(', ')}`);
  });
  assert.ok(!existsSync(path.join(folder, 'all')));
});

test('the release workflow builds every platform that is published', () => {
  const workflow = readFileSync(path.join(root, '.github/workflows/release.yml'), 'utf8');
  const built = [...workflow.matchAll(/- platform: (\S+)/g)].map(([, name]) => name);
  assert.deepEqual(built.sort(), [...PUBLISHED].sort());
});

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function release(...args) {
  execFileSync(process.execPath, [path.join(root, 'scripts/release.mjs'), ...args], { encoding: 'utf8', stdio: 'pipe' });
}

function pack(name) {
  const options = { cwd: path.join(folder, name), encoding: 'utf8' };
  const [packed] = JSON.parse(execFileSync(npm, ['pack', '--json', '--pack-destination', folder], options));
  return { tarball: path.join(folder, packed.filename), files: packed.files.map((file) => file.path).sort() };
}

/** An empty folder where these packages are installed, and what else npm has in its cache. */
function install(name, ...packages) {
  const application = path.join(folder, name);
  mkdirSync(application);
  writeFileSync(path.join(application, 'package.json'), JSON.stringify({ name: 'application', version: '1.0.0', private: true }));
  const tarballs = packages.map(({ tarball }) => tarball);
  execFileSync(npm, ['install', '--offline', '--no-audit', '--no-fund', ...tarballs], { cwd: application });
  return application;
}

/** What an application is told that connects in this folder. */
function connectIn(application) {
  const script = "try { require('drachtio')().connect({}) } catch (err) { process.stdout.write(`${err.code}: ${err.message}`) }";
  return execFileSync(process.execPath, ['-e', script], { cwd: application, encoding: 'utf8' });
}
