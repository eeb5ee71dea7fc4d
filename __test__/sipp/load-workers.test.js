'use strict';
// Ten worker threads, each with an application of its own, terminated under traffic 200 times: no crash, no hang, no leak.

const assert = require('node:assert/strict');
const path = require('node:path');
const { test } = require('node:test');
const { runProgram } = require('../examples/run');

// In a process of its own, because a crash is the end of a process.
test('workers are terminated under traffic 200 times', { timeout: 180_000 }, async () => {
  const storm = runProgram(process.execPath, [path.join(__dirname, 'workers', 'storm.js')]);
  assert.equal(await storm.exited, 0, storm.output());
  const report = JSON.parse(storm.output().trim().split('\n').at(-1));

  assert.equal(report.terminated, 200);
  assert.ok(report.answered > 2000, `the applications answered ${report.answered} requests`);
  assert.deepEqual(report.silent, [], 'workers whose application did not answer after their last start');
  assert.equal(report.after.threads, report.before.threads, 'threads of the engine that outlived their worker');
  assert.equal(report.after.descriptors, report.before.descriptors, 'sockets that outlived their worker');
  // What V8 keeps of 200 isolates wavers by a few MB; an engine that stayed would be some MB each.
  const growth = (report.after.rss - report.before.rss) / 2 ** 20;
  assert.ok(growth < 60, `resident memory grew by ${growth.toFixed(1)} MB from the 50th termination to the 200th`);
});
