'use strict';
// Every JavaScript block of README.md, and of the pages named below, is a program that runs.
//
// A block that requires drachtio is run as it is. One that does not continues an application: it finds `drachtio` and a
// connected `app`. Either way the contacts become ports of 127.0.0.1, and the program has to connect and to stay well.

const assert = require('node:assert/strict');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { after, test } = require('node:test');
const { runProgram } = require('./run');

const PAGES = ['README.md', 'docs/proxy.md'];

const blocks = PAGES.flatMap((page) => {
  const text = readFileSync(path.join(__dirname, '../..', page), 'utf8');
  const found = [...text.matchAll(/^```js\n([^]*?)^```$/gm)];
  return found.map(([, code], i) => ({ page, code, line: lineOf(text, code), name: `${path.basename(page, '.md')}-${i + 1}` }));
});
const folder = mkdtempSync(path.join(tmpdir(), 'readme-'));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const page of PAGES) test(`${page} has JavaScript to run`, () => assert.ok(blocks.some((block) => block.page === page)));

for (const { page, code, line, name } of blocks) {
  test(`${page}: the block at line ${line}`, async () => {
    const file = path.join(folder, `${name}.js`);
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

function lineOf(text, code) {
  return text.slice(0, text.indexOf(code)).split('\n').length;
}
