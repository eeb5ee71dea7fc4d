'use strict';
// Every JavaScript block of README.md and of docs/ is a program that runs.
//
// A block that requires drachtio is run as it is. One that does not continues an application: it finds `drachtio` and a
// connected `app`. Either way the contacts become ports of 127.0.0.1, and the program has to connect and to stay well.

const assert = require('node:assert/strict');
const { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { after, test } = require('node:test');
const { missing } = require('../tls/pki');
const { runProgram } = require('./run');

const root = path.join(__dirname, '../..');
const pages = readdirSync(path.join(root, 'docs'), { recursive: true }).filter((name) => name.endsWith('.md')).sort();
const folder = mkdtempSync(path.join(tmpdir(), 'readme-'));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const page of ['README.md', ...pages.map((name) => path.join('docs', name))]) {
  for (const { code, line } of blocksOf(page)) {
    const skip = code.includes('certificates') && missing;
    test(`${page}, the block at line ${line}`, { skip }, async () => {
      const file = path.join(folder, `${page.replaceAll(path.sep, '-')}-${line}.js`);
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
}

test('README.md has JavaScript to run', () => assert.ok(blocksOf('README.md').length > 0));

function blocksOf(page) {
  const text = readFileSync(path.join(root, page), 'utf8');
  const lineOf = (code) => text.slice(0, text.indexOf(code)).split('\n').length;
  return [...text.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code]) => ({ code, line: lineOf(code) }));
}
