'use strict';
// The memory of the process is as large after many requests as after few, and nothing of a call is kept, on the engine with real
// sockets. `REQUESTS=1000000 node --test __test__/sipp/load-memory.test.js` is the long run.

const assert = require('node:assert/strict');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { startApp, whatIsLeft } = require('./app');

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

const REQUESTS = Number(process.env.REQUESTS ?? 100_000);

/** Requests until the tables are as large as they get: those of `TRANSACTION` at the rate of this machine. */
const WARM_UP = 20_000;

/** An OPTIONS, a call with its BYE, and a proxied call with its BYE. */
const REQUESTS_OF_THREE = 5;

/** What may come and go without being a leak: code that is compiled, tables that have grown. A request takes 4 kB. */
const HEAP_SLACK = 2_000_000;

/** That of the allocator, whose free memory lies between what is in use. A transaction takes 2 kB. */
const NATIVE_SLACK = 24_000_000;

/** How much it keeps depends on the rate of the busiest second. Who has grown gets another round: a leak grows in each. */
const ROUNDS = 3;

/** Every so many requests are looked at for what keeps them. */
const SAMPLE = 1_000;

/** Timers J and H: what has ended is forgotten after this, so that the tables are no larger than they need to be. */
const TRANSACTION = 1_000;

const SDP = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 40000 RTP/AVP 0', ''].join('\r\n');

async function collected() {
  for (let round = 0; round < 5; round++) {
    await sleep(20);
    collectGarbage();
  }
}

/** What the process takes when nothing is under way. */
async function memory(app) {
  assert.deepEqual(await whatIsLeft(app), {}, 'engine tables that are not empty');
  await collected();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

test('OPTIONS, calls and proxied calls leave nothing behind', async (t) => {
  const samples = [];
  let seen = 0;
  const sample = (...objects) => {
    if (seen++ % SAMPLE === 0) samples.push(...objects.map((object) => new WeakRef(object)));
  };
  let results = 0;
  const where = {};
  const { app, port, stop } = await startApp((a) => {
    a.use((req, res, next) => {
      sample(req, res, req.msg);
      next();
    });
    a.options(async (req, res) => {
      // As applications do that log what they answer.
      if (seen % 2 === 0) JSON.stringify([req, await res.send(200, { headers: { 'X-Heard': req.headers['call-id'] } })]);
      else res.send(200);
    });
    a.invite(async (req, res) => {
      req.on('cancel', () => {});
      if (req.calledNumber === 'proxied') {
        const outcome = await req.proxy({ destination: `sip:callee@127.0.0.1:${where.callee}`, remainInDialog: true });
        results += outcome.finalStatus === 200 ? 1 : 0;
        return;
      }
      res.send(180);
      res.send(200, { headers: { 'Content-Type': 'application/sdp' }, body: SDP }, (err) => assert.equal(err, null), () => {});
    });
    a.bye((req, res) => res.send(200));
  }, { engine: { timers: { transaction: TRANSACTION } } });

  const traffic = fork(require.resolve('./traffic'), [port]);
  t.after(() => traffic.kill());
  const exited = once(traffic, 'exit').then(([code]) => assert.fail(`the callers have ended: ${code}`));
  Object.assign(where, (await once(traffic, 'message'))[0]);
  const play = async (first, count) => {
    traffic.send({ first, count });
    const [{ resent }] = await Promise.race([once(traffic, 'message'), exited]);
    return resent;
  };

  const some = Math.ceil(WARM_UP / REQUESTS_OF_THREE) * 3;
  const all = Math.ceil(REQUESTS / REQUESTS_OF_THREE) * 3;
  await play(0, some);
  let before = await memory(app);
  let [played, grown] = [some, Infinity];
  for (let round = 1; round <= ROUNDS && grown >= NATIVE_SLACK; round++) {
    const started = Date.now();
    const resent = await play(played, all);
    const rate = Math.round(REQUESTS / ((Date.now() - started) / 1000));
    const after = await memory(app);
    played += all;
    grown = after.rss - before.rss;
    t.diagnostic(`${REQUESTS} requests, ${rate} a second, ${resent} sent again; before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
    assert.ok(after.heap - before.heap < HEAP_SLACK, `the heap has grown by ${after.heap - before.heap} bytes`);
    before = after;
  }
  exited.catch(() => {});
  traffic.disconnect();

  assert.ok(grown < NATIVE_SLACK, `the process has grown by ${grown} bytes`);
  assert.equal(app.idle, true);
  assert.equal(results, played / 3, 'proxied calls that were answered');
  assert.ok(samples.length > 0);
  assert.equal(samples.filter((reference) => reference.deref() !== undefined).length, 0, 'requests, responses and messages that are kept');
  await stop();
});
