'use strict';
// drachtio --help says what there is.

const test = require('node:test');
const assert = require('node:assert/strict');
const { FLAGS } = require('../../lib/serve/config/command_line');
const { GROUPS } = require('../../lib/serve/config/help');
const { SETTINGS } = require('../../lib/serve/config/settings');
const { drachtio } = require('./support/process');

const TIME = { timeout: 30_000 };

test('every flag is explained, and nothing else', () => {
  const explained = Object.values(GROUPS).flatMap((group) => Object.keys(group));
  assert.deepEqual(explained.toSorted(), Object.keys(FLAGS).toSorted());
});

for (const args of [['--help'], ['-h'], ['serve', '--help'], ['check', '-h']]) {
  test(`drachtio ${args.join(' ')} prints the flags, each on a line that is not too long`, TIME, async () => {
    const { code, out, err } = await drachtio(args).ended;
    assert.deepEqual([code, err], [0, '']);
    const lines = out.split('\n');
    for (const name of Object.keys(FLAGS)) assert.equal(lines.filter((line) => line.includes(` --${name} `)).length, 1, name);
    assert.deepEqual(lines.filter((line) => line.length > 100), []);
    assert.match(out, /^usage: drachtio serve /);
    for (const { flag, noEffect } of SETTINGS) {
      if (flag !== undefined && noEffect !== undefined) assert.match(out, new RegExp(`--${flag} <\\w+> +has no effect\n`));
    }
  });
}

test('a command that is not known, or none, is an error that shows what there is', TIME, async () => {
  for (const args of [['frob'], []]) {
    const { code, out, err } = await drachtio(args).ended;
    assert.deepEqual([code, out], [64, '']);
    assert.match(err, /^usage: drachtio serve /m);
  }
});
