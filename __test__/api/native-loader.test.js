'use strict';
// Finding the native part. Each case runs in a process of its own, since a module is loaded once.

const test = require('node:test');
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const ROOT = join(__dirname, '../..');

function run(script, env) {
  return execFileSync(process.execPath, ['-e', script], { cwd: ROOT, env: { ...process.env, ...env }, encoding: 'utf8' }).trim();
}

const CONNECT = `
  try { require('.')().connect({}, (err, hostport) => console.log(hostport)) }
  catch (err) { console.log(err.code, '|', err.message) }
`;

test('a native part that is missing is a clear error', () => {
  const told = run(CONNECT, { NAPI_RS_NATIVE_LIBRARY_PATH: join(ROOT, 'no', 'such.node') });
  assert.match(told, /^DRT_ERR_NO_NATIVE \| [^]*npm run build/);
  assert.match(told, /such\.node/);
});

test('the path can be given', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'drachtio-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'engine.js');
  writeFileSync(path, `
    exports.headerNames = () => ['Via'];
    exports.Engine = class { start() { return Promise.resolve({ hostports: ['udp/stand-in'] }) } };
  `);
  assert.equal(run(CONNECT, { NAPI_RS_NATIVE_LIBRARY_PATH: path }), 'udp/stand-in');
});

test('messages can be parsed without the native part', () => {
  const script = "console.log(new (require('.').SipMessage)('OPTIONS sip:a@b SIP/2.0\\r\\nTo: x\\r\\n\\r\\n').get('to'))";
  assert.equal(run(script, { NAPI_RS_NATIVE_LIBRARY_PATH: join(ROOT, 'no', 'such.node') }), 'x');
});
