'use strict';
// The package as it is published: packed, installed in an empty folder, and an application that runs from there.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { runProgram } = require('../examples/run');
const { freePort } = require('../sipp/app');
const { overTcp, overUdp, request } = require('../sipp/wire');

const root = path.join(__dirname, '../..');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

let folder;
let contents;
let tarball;

before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'drachtio-'));
  const [packed] = JSON.parse(execFileSync(npm, ['pack', '--json', '--pack-destination', folder], { cwd: root, encoding: 'utf8' }));
  tarball = path.join(folder, packed.filename);
  contents = packed.files.map(({ path: file }) => file);
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: 'application', version: '1.0.0', private: true }));
  execFileSync(npm, ['install', '--offline', '--no-audit', '--no-fund', tarball], { cwd: folder });
});

after(() => rmSync(folder, { recursive: true, force: true }));

test('it carries the addon of this machine, and what it takes to build another', () => {
  const addons = contents.filter((file) => file.endsWith('.node'));
  assert.equal(addons.length, 1);
  assert.match(addons[0], new RegExp(`^drachtio\\.${process.platform}-${process.arch}`));
  for (const file of ['index.js', 'index.d.ts', 'README.md', 'LICENSE', 'Cargo.toml', 'Cargo.lock', 'build.rs', 'src/lib.rs']) {
    assert.ok(contents.includes(file), `${file} is in the package`);
  }
  const strays = contents.filter((file) => /^(__test__|tests|bench|target|node_modules|\.ci|\.github)\//.test(file));
  assert.deepEqual(strays, []);
});

test('the pages that hovers and messages name are in it, and the examples run from there', async () => {
  const sources = contents.filter((file) => /\.(d\.ts|js)$/.test(file) && !file.startsWith('docs/'));
  const named = new Set(sources.flatMap((file) => readFileSync(path.join(root, file), 'utf8').match(/docs\/[\w./-]+\.md/g) ?? []));
  assert.ok(named.size > 5);
  assert.deepEqual([...named].filter((page) => !contents.includes(page)), []);
  const example = path.join(folder, 'node_modules/drachtio/examples/registrar.js');
  const registrar = runProgram(process.execPath, [example, '--contact', 'sip:127.0.0.1:0'], { cwd: folder });
  await registrar.printed('listening on udp/127.0.0.1:');
  await registrar.stop();
});

test('it needs nothing but itself and the client of redis, which has no dependencies', () => {
  const installed = readdirSync(path.join(folder, 'node_modules')).filter((name) => !name.startsWith('.'));
  assert.deepEqual(installed, ['@redis', 'drachtio']);
  assert.deepEqual(readdirSync(path.join(folder, 'node_modules', '@redis')), ['client']);
});

test('its build script finds all that it needs', () => {
  const from = path.join(folder, 'node_modules', 'drachtio', 'scripts');
  const script = `await import(${JSON.stringify(path.join(from, 'build.mjs'))});`;
  execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: folder });
});

test('an application that uses it answers OPTIONS and INVITE', async () => {
  cpSync(path.join(__dirname, 'application.js'), path.join(folder, 'application.js'));
  const port = await freePort();
  const application = runProgram(process.execPath, ['application.js', String(port)], { cwd: folder });
  await application.printed('listening');
  assert.deepEqual(await overUdp(port, [request()]), ['200']);
  assert.deepEqual((await overUdp(port, [request({ method: 'INVITE' })])).filter((status) => status !== '100'), ['486']);
  assert.deepEqual((await overTcp(port, [request({ transport: 'TCP' })])).heard, ['200']);
  await application.stop();
});

test('the first two examples of the README work when they are pasted', async () => {
  const readme = readFileSync(path.join(folder, 'node_modules', 'drachtio', 'README.md'), 'utf8');
  const [answers, calls] = [...readme.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code]) => code);
  const port = await freePort();
  writeFileSync(path.join(folder, 'app.js'), answers.replace(':5060', `:${port}`));
  writeFileSync(path.join(folder, 'call.js'), calls.replace(':5060', `:${port}`));
  const application = runProgram(process.execPath, ['app.js'], { cwd: folder });
  await application.printed(`listening on udp/127.0.0.1:${port}`);
  const caller = runProgram(process.execPath, ['call.js'], { cwd: folder });
  await application.printed('call from alice to bob');
  assert.equal(await caller.exited, 0, caller.output());
  assert.match(caller.output(), /^486 So sorry, busy right now$/m);
  assert.deepEqual(await overUdp(port, [request()]), ['200']);
  await application.stop();
});

test('an ES module imports it, and what it exports by name', () => {
  const names = Object.keys(require('../..'));
  const program = [
    `import drachtio, { ${names.join(', ')} } from 'drachtio';`,
    `const named = { ${names.join(', ')} };`,
    "for (const name of Object.keys(named)) if (named[name] !== drachtio[name]) throw new Error(name);",
    "console.log(drachtio().options(() => {}).stack.length, parseUri('sip:a@b').host);",
  ];
  writeFileSync(path.join(folder, 'module.mjs'), program.join('\n'));
  assert.equal(execFileSync(process.execPath, ['module.mjs'], { cwd: folder, encoding: 'utf8' }), '1 b\n');
});

test('publint finds nothing wrong with it', async () => {
  const { publint } = await import('publint');
  const { messages } = await publint({ pkgDir: path.join(folder, 'node_modules', 'drachtio'), pack: false, strict: true });
  assert.deepEqual(messages, []);
});

test('its types are found however it is imported', () => {
  const attw = path.join(path.dirname(require.resolve('@arethetypeswrong/cli/package.json')), 'dist/index.js');
  const { problems } = JSON.parse(execFileSync(process.execPath, [attw, tarball, '--format', 'json'], { encoding: 'utf8', maxBuffer: 1e8 }));
  assert.deepEqual(problems, {});
});
