'use strict';
// The application's own timers and its clock, in virtual time.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const nodeTimers = require('node:timers');
const { setTimeout: early } = require('node:timers/promises');
const path = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { openWorld } = require('../../testing');

const TRUE = { setTimeout, setInterval, clearTimeout, clearInterval, Date };

function timed(t) {
  const world = openWorld({ timers: true });
  t.after(() => world.close());
  return world;
}

test('timers ring in their order, each at its own time', async (t) => {
  const world = timed(t);
  const rung = [];
  const ring = (name) => rung.push([name, world.now]);
  setTimeout(ring, 2_000, 'b');
  setTimeout(ring, 1_000, 'a');
  nodeTimers.setTimeout(ring, 2_000, 'c');
  setTimeout(() => setTimeout(ring, 250, 'e'), 2_000);
  const interval = setInterval(() => {
    ring('i');
    if (world.now >= 1_800) clearInterval(interval);
  }, 600);
  const [none, other] = [setTimeout(ring, 10, 'x'), setInterval(ring, 10, 'x')];
  clearTimeout(none);
  nodeTimers.clearInterval(other);
  clearTimeout(undefined);
  await world.advance('5s');
  assert.deepEqual(rung, [['i', 600], ['a', 1_000], ['i', 1_200], ['i', 1_800], ['b', 2_000], ['c', 2_000], ['e', 2_250]]);
});

test('who sleeps is awoken, and what he does then is done at that time', async (t) => {
  const world = timed(t);
  const { setTimeout: sleep } = require('node:timers/promises');
  const times = [];
  const sleeper = (async () => {
    times.push([await sleep(1_000, 'a'), world.now]);
    await promisify(setTimeout)(500);
    times.push(['b', world.now]);
    await sleep(0);
    times.push(['c', world.now]);
  })();
  const controller = new AbortController();
  const aborted = assert.rejects(sleep(100, undefined, { signal: controller.signal }), { name: 'AbortError', code: 'ABORT_ERR' });
  controller.abort();
  await aborted;
  await assert.rejects(sleep(100, undefined, { signal: controller.signal }), { name: 'AbortError' });
  await world.advance('1h');
  await sleeper;
  assert.deepEqual(times, [['a', 1_000], ['b', 1_500], ['c', 1_501]]);
  assert.notEqual(sleep, early);
});

test('a timer can be asked to ring later, and does not care who holds the process', async (t) => {
  const world = timed(t);
  const rung = [];
  const timer = setTimeout(() => rung.push(world.now), 1_000).unref();
  assert.equal(timer.hasRef(), false);
  assert.equal(timer.ref().hasRef(), true);
  await world.advance(900);
  timer.refresh();
  await world.advance('1h');
  timer.refresh();
  await world.advance('1h');
  assert.deepEqual(rung, [1_900, 3_601_900]);
});

test('the time of day begins with the year 2000', async (t) => {
  const world = timed(t);
  await world.advance('1h');
  assert.equal(new Date().toISOString(), '2000-01-01T01:00:00.000Z');
  assert.equal(Date.now(), Date.UTC(2000, 0, 1, 1));
  assert.equal(Date(), new Date().toString());
  assert.ok(new Date(0) instanceof Date && new Date(2020, 1).getFullYear() === 2020);
  class Stamp extends Date {}
  assert.ok(new Stamp() instanceof Stamp && new Stamp().getTime() === Date.now());
});

test('the true ones come back with the end of the world', async () => {
  const world = openWorld({ timers: true });
  assert.throws(() => openWorld({ timers: true }), { code: 'DRT_ERR_INVALID_OPTION', message: /another world/ });
  assert.notEqual(setTimeout, TRUE.setTimeout);
  await world.close();
  await world.close();
  for (const [name, value] of Object.entries(TRUE)) assert.equal(globalThis[name], value, name);
  assert.equal(require('node:timers/promises').setTimeout, early);
  assert.equal(nodeTimers.setTimeout, TRUE.setTimeout);
  await openWorld({ timers: true }).close();
});

test('without being asked a world leaves them alone', async (t) => {
  const world = openWorld();
  t.after(() => world.close());
  assert.equal(setTimeout, TRUE.setTimeout);
  assert.equal(Date, TRUE.Date);
  await world.advance('1h');
  assert.ok(Math.abs(Date.now() - (performance.timeOrigin + performance.now())) < 60_000);
});

test('an application that has imported them has virtual ones, too', () => {
  const program = `
    import { setTimeout as sleep } from 'node:timers/promises';
    import { setTimeout } from 'node:timers';
    import { openWorld } from ${JSON.stringify(path.join(__dirname, '../../testing.js'))};
    const world = openWorld({ timers: true });
    sleep(3_600_000).then(() => console.log('slept', world.now));
    setTimeout(() => console.log('rang', world.now), 60_000);
    await world.advance('1h');
    await world.close();`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
  assert.equal(printed, 'rang 60000\nslept 3600000\n');
});

test('what a timer throws is an uncaught exception', async (t) => {
  const world = timed(t);
  const failed = new Error('of the timer');
  const uncaught = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
  t.after(() => process.setUncaughtExceptionCaptureCallback(null));
  setTimeout(() => {
    throw failed;
  }, 10);
  await world.advance(20);
  assert.equal(await uncaught, failed);
  assert.equal(world.now, 20);
});
