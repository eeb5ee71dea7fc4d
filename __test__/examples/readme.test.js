'use strict';
// Every JavaScript block of README.md is a program that runs.
//
// A block that requires drachtio is run as it is. One that does not continues an application: it finds `drachtio` and a
// connected `app`. Either way the contacts become ports of 127.0.0.1, and the program has to connect and to stay well.

const assert = require('node:assert/strict');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { after, test } = require('node:test');
const { runProgram } = require('./run');

const readme = readFileSync(path.join(__dirname, '../../README.md'), 'utf8');
const blocks = [...readme.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code], i) => ({ code, line: lineOf(code), number: i + 1 }));
const folder = mkdtempSync(path.join(tmpdir(), 'readme-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('README.md has JavaScript to run', () => assert.ok(blocks.length > 0));

for (const { code, line, number } of blocks) {
  test(`the block at line ${line}`, async () => {
    const file = path.join(folder, `block-${number}.js`);
    const isWhole = /require\(['"]drachtio['"]\)/.test(code);
    const start = "const drachtio = require('drachtio');\nconst app = drachtio();\napp.connect({ contact: 'sip:*:5060' });\n";
    writeFileSync(file, isWhole ? code : start + code);
    const program = runProgram(process.execPath, ['--require', path.join(__dirname, 'sandbox.js'), file], { cwd: folder });
    await program.printed('sandbox: connected');
    // What goes wrong right after the connection is part of the example too.
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.doesNotMatch(program.output(), /(Error|Exception|Warning)\b.*\n\s+at /);
    await program.stop();
  });
}

function lineOf(code) {
  return readme.slice(0, readme.indexOf(code)).split('\n').length;
}
