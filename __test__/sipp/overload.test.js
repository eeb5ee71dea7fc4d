'use strict';
// Overload: new calls are answered 503 with Retry-After and none is left without an answer, calls that are up go on, and
// afterwards new ones are taken again.

const assert = require('node:assert/strict');
const dgram = require('node:dgram');
const { once } = require('node:events');
const { writeFileSync, mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { after } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { Worker } = require('node:worker_threads');
const { freePort } = require('./free_port');
const { header } = require('./proxy');
const { sipp, sippTest } = require('./sipp');
const { overUdp, request } = require('./wire');

/** Calls that are up before the overload. */
const HELD = 20;
/** New calls during it, more than what may wait for an application: with 256 that wait for 500 ms it is behind. */
const FLOOD = { calls: 3000, rate: 1000 };

/** What SIPp's socket holds; what the kernel drops, SIPp sends again. */
const ROOM = ['-buff_size', 4 << 20];

const folder = mkdtempSync(path.join(tmpdir(), 'overload-'));
const workers = [];
const rested = [];
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await Promise.all(workers.map((worker) => worker.terminate()));
});

sippTest('an application that stands still: new calls are refused, and those through its proxy go on without it', async () => {
  const [heldPort, newPort] = await Promise.all([freePort(), freePort()]);
  const app = await startOverloaded({ destinations: { held: `sip:held@127.0.0.1:${heldPort}`, new: `sip:new@127.0.0.1:${newPort}` } });
  const heldCallee = sipp({ scenario: 'callee-held', port: heldPort, calls: HELD, seconds: 120 });
  const newCallee = sipp({ scenario: 'callee', port: newPort, calls: FLOOD.calls, seconds: 120, messages: false, values: { ring: 0 }, args: ROOM });
  await Promise.all([heldPort, newPort].map(isListening));
  const calls = await establish(app);
  const before = await app.ask('heap');

  await app.block();
  const flood = await app.flood();
  await app.refuses();
  const goingOn = await app.goOn(calls).finished;
  assert.ok(goingOn.ok, goingOn.log);
  assert.ok((await heldCallee.finished).ok);
  await app.refuses();
  await app.release();

  const { answered, refused } = tally(await flood.finished);
  assert.ok(answered > 0, 'those that had come before it was behind are answered when it goes on');
  assert.ok(refused > 0);
  assert.equal(answered + refused, FLOOD.calls, 'none is left without an answer');

  await recovers(app);
  newCallee.stop();
  rested.push(() => app.isAsBefore(before));
});

sippTest('a flood that is more than an application can handle: calls that are up go on, and new ones as far as it can', async () => {
  const app = await startOverloaded({ work: 4 });
  const calls = await establish(app);
  const before = await app.ask('heap');

  const flood = await app.flood();
  await app.refuses();
  const goingOn = await app.goOn(calls).finished;
  assert.ok(goingOn.ok, goingOn.log);

  const { answered, refused } = tally(await flood.finished);
  assert.ok(answered > 0);
  assert.ok(refused > 0);
  assert.equal(answered + refused, FLOOD.calls, 'none is left without an answer');

  await recovers(app);
  rested.push(() => app.isAsBefore(before));
});

// A finished transaction waits out 32 s: those of both applications at the same time.
sippTest('afterwards every engine table is empty, and the memory is as before', async () => {
  for (const isAtRest of rested) await isAtRest();
});

/** Starts an application of `workers/overloaded.js`. */
async function startOverloaded(options) {
  const port = await freePort();
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(path.join(__dirname, 'workers', 'overloaded.js'), { workerData: { port, gate, ...options } });
  workers.push(worker);
  const next = async () => (await once(worker, 'message'))[0];
  const ask = (task) => {
    const answered = next();
    worker.postMessage(task);
    return answered;
  };
  assert.equal(await next(), 'ready');
  const target = `127.0.0.1:${port}`;
  return {
    target,
    ask,
    /** From now on its event loop stands still. */
    async block() {
      assert.equal(await ask('block'), 'blocked');
    },
    async release() {
      const goesOn = next();
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
      assert.equal(await goesOn, 'released');
    },
    flood: async () => {
      const own = await freePort();
      return sipp({ scenario: 'caller-answered-or-refused', target, port: own, seconds: 120, values: { user: 'new' }, args: ROOM, ...FLOOD });
    },
    /** Has the held calls go on and end: the second SIPp has the Call-IDs of the first one. */
    goOn: ({ route, target: uri, tags, port: own }) => {
      const fields = path.join(folder, `${port}.csv`);
      writeFileSync(fields, `SEQUENTIAL\n${tags.join('\n')}\n`);
      const values = { user: 'held', route, target: uri };
      return sipp({ scenario: 'caller-goes-on', target, port: own, calls: HELD, seconds: 60, values, args: ['-cid_str', 'held-%u', '-inf', fields] });
    },
    /** Waits until a new call is refused. */
    async refuses() {
      for (const end = Date.now() + 60_000; Date.now() < end; ) {
        const heard = await overUdp(port, [request({ method: 'INVITE' })]);
        if (heard.includes('503')) return;
      }
      assert.fail('new calls are not refused');
    },
    /** Waits until it has come to rest, and checks that nothing has stayed. */
    async isAsBefore(heap) {
      let left;
      for (const end = Date.now() + 60_000; Date.now() < end; await sleep(250)) {
        left = Object.fromEntries(Object.entries(await ask('census')).filter(([, size]) => size !== 0));
        if (Object.keys(left).length === 0) break;
      }
      assert.deepEqual(left, {}, 'engine tables that are not empty');
      const growth = (await ask('heap')) - heap;
      assert.ok(growth < FLOOD.calls * 1000, `the heap has grown by ${growth} bytes`);
    },
  };
}

/** Has SIPp make the calls that are held, and tells what is known of them: the route, the target, and the tags. */
async function establish({ target }) {
  const port = await freePort();
  const args = ['-cid_str', 'held-%u'];
  const outcome = await sipp({ scenario: 'caller-establishes', target, port, calls: HELD, rate: 50, values: { user: 'held' }, args }).finished;
  assert.ok(outcome.ok, outcome.log);
  const answers = Array.from({ length: HELD }, (_, i) => outcome.messages.find((message) => isAnswer(message) && only(message, 'Call-ID') === `held-${i + 1}`));
  return {
    port,
    target: /<(.*)>/.exec(only(answers[0], 'Contact'))[1],
    route: header(answers[0], 'Record-Route').map((value) => `Route: ${value}\n`).join(''),
    tags: answers.map((message) => /;tag=([^;]*)/.exec(only(message, 'To'))[1]),
  };
}

/** What became of the calls of a flood: each refusal says when to come again. */
function tally({ ok, messages, log }) {
  assert.ok(ok, log);
  const refusals = messages.filter(({ direction, start }) => direction === 'received' && start.startsWith('SIP/2.0 503'));
  for (const refusal of refusals) assert.match(only(refusal, 'Retry-After'), /^([1-9]|10)$/);
  const calls = (all) => new Set(all.map((message) => only(message, 'Call-ID'))).size;
  return { answered: calls(messages.filter(isAnswer)), refused: calls(refusals) };
}

/** Checks that new calls are answered again once the application has caught up. */
async function recovers({ target, ask }) {
  while ((await ask('census')).pendingEvents > 0) await sleep(50);
  const { log, successful } = await sipp({ scenario: 'caller', target, port: await freePort(), calls: 10, values: { user: 'new', talk: 0 } }).finished;
  assert.equal(successful, 10, log);
}

function isAnswer({ direction, start, text }) {
  return direction === 'received' && start.startsWith('SIP/2.0 200') && /^CSeq: \d+ INVITE\r?$/m.test(text);
}

function only(message, name) {
  const values = header(message, name);
  assert.equal(values.length, 1, `${name} in ${message.text}`);
  return values[0];
}

/** Resolves when somebody has a UDP port. */
async function isListening(port) {
  while (await isFree(port)) await sleep(50);
}

function isFree(port) {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}
