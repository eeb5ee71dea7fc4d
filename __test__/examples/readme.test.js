'use strict';
// Every JavaScript block of README.md and of docs/ is a program that runs.
//
// A block that requires drachtio is run as it is. One that does not continues an application: it finds `drachtio` and an
// `app`, which is connected unless the block does so. Either way the contacts become ports of 127.0.0.1, and the program has
// to connect and to stay well. One that neither connects nor serves, or does so in a world of its own, has to come to its end.

const assert = require('node:assert/strict');
const { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { after, test } = require('node:test');
const { missing } = require('../tls/pki');
const { runProgram } = require('./run');

const root = path.join(__dirname, '../..');
const docs = readdirSync(path.join(root, 'docs'), { recursive: true }).filter((name) => name.endsWith('.md')).sort();
const folder = mkdtempSync(path.join(tmpdir(), 'pages-'));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const page of ['README.md', ...docs.map((name) => path.join('docs', name))]) {
  const text = readFileSync(path.join(root, page), 'utf8');
  for (const [, code] of text.matchAll(/^```js\n([^]*?)^```$/gm)) {
    const line = text.slice(0, text.indexOf(code)).split('\n').length;
    const skip = code.includes('certificates') && missing;
    test(`the block of ${page} at line ${line}`, { skip }, () => runs(code, `${page.replaceAll(path.sep, '-')}-${line}.js`));
  }
}

async function runs(code, name) {
  const file = path.join(folder, name);
  const isWhole = /require\(['"]drachtio['"]\)/.test(code);
  const connect = code.includes('app.connect(') ? '' : "app.connect({ contact: 'sip:*:5060' });\n";
  const start = `const drachtio = require('drachtio');\nconst app = drachtio();\n${connect}`;
  const text = isWhole ? code : start + code;
  writeFileSync(file, /^(const .* = )?await /m.test(text) ? `(async () => {\n${text}\n})();` : text);
  const program = runProgram(process.execPath, ['--require', path.join(__dirname, 'sandbox.js'), file], { cwd: folder });
  if (isWhole && !/(?<!world)\.(?:connect|listen|serve)\(/.test(code)) {
    assert.equal(await program.exited, 0, program.output());
    return;
  }
  await program.printed('sandbox: connected');
  // What goes wrong right after the connection is part of the example too.
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.doesNotMatch(program.output(), /(Error|Exception|Warning)\b.*\n\s+at /);
  await program.stop();
}
