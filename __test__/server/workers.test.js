'use strict';
// Several threads share one engine: requests are spread over them, dialogs stay with their owner, and a thread that dies is
// replaced by one that has its calls.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { writeFileSync, mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const drachtio = require('../..');
const { startPhone } = require('../examples/phone');

const root = JSON.stringify(path.join(__dirname, '../..'));
const THREAD = `
  const { threadId, parentPort } = require('node:worker_threads');
  const app = require(${root})();
  const own = (res) => res.send(200, { headers: { 'X-Thread': threadId } });
  app.invite((req, res) => own(res));
  app.bye((req, res) => own(res));
  app.info((req, res) => own(res));
  app.message((req, res) => {
    res.send(200, (err) => process.exit(1));
  });
  app.connect((err) => parentPort.postMessage(err ? err.message : 'ready'));
`;

/** Starts threads with the program above. */
async function start(t, count, options) {
  const folder = mkdtempSync(path.join(tmpdir(), 'workers-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'thread.js');
  writeFileSync(file, THREAD);
  const workers = await drachtio.workers(file, { count, contact: 'sip:127.0.0.1:0;transport=udp', ...options });
  t.after(() => workers.close());
  return { workers, uri: `sip:app@${workers.hostports[0].split('/')[1]}` };
}

/** Resolves when so many threads have said that they take requests. */
function readyThreads(workers, count) {
  return new Promise((resolve) => {
    let ready = 0;
    workers.on('online', (number, worker) => {
      worker.once('message', (text) => {
        assert.equal(text, 'ready');
        if (++ready === count) resolve();
      });
    });
  });
}

test('new requests go to the threads in turn, and those of a call to the one that has it', { timeout: 60_000 }, async (t) => {
  const { workers, uri } = await start(t, 3);
  await readyThreads(workers, 3);
  const phone = await startPhone(t, 'phone');
  const calls = [];
  for (let n = 0; n < 6; n++) calls.push(await phone.call(uri));
  const threads = calls.map((res) => res.get('X-Thread'));
  assert.equal(new Set(threads.slice(0, 3)).size, 3);
  assert.deepEqual(threads.slice(3), threads.slice(0, 3));
  for (const call of calls) {
    const bye = await phone.sendIn(call.stackDialogId, { method: 'BYE' });
    assert.equal(bye.get('X-Thread'), call.get('X-Thread'));
  }
  assert.equal(workers.census().dialogs, 0);
});

test('the calls of a thread that has died go on in the one that takes its place', { timeout: 60_000 }, async (t) => {
  const { workers, uri } = await start(t, 1);
  await readyThreads(workers, 1);
  const phone = await startPhone(t, 'phone');
  const call = await phone.call(uri);
  const [died, again] = [once(workers, 'died'), readyThreads(workers, 1)];
  await phone.send(uri, { method: 'MESSAGE' });
  assert.deepEqual(await died, [1, 1]);
  // It waits for its owner to come back.
  const info = phone.sendIn(call.stackDialogId, { method: 'INFO' });
  await again;
  const { status, msg } = await info;
  assert.equal(status, 200);
  assert.notEqual(msg.get('X-Thread'), call.get('X-Thread'));
  assert.equal((await phone.sendIn(call.stackDialogId, { method: 'BYE' })).status, 200);
});

test('another application of the process shares the engine too', { timeout: 60_000 }, async (t) => {
  const { workers, uri } = await start(t, 1);
  await readyThreads(workers, 1);
  const app = drachtio();
  app.options((req, res) => res.send(200, 'From the main thread'));
  app.connect(workers.place);
  const [err] = await once(app, 'connect');
  assert.equal(err, null);
  t.after(() => app.disconnect());
  const phone = await startPhone(t, 'phone');
  assert.equal((await phone.send(uri, { method: 'OPTIONS' })).reason, 'From the main thread');
});

test('what is shown of the engine is that of all threads', { timeout: 60_000 }, async (t) => {
  const { workers, uri } = await start(t, 2, { observe: { metrics: { port: 0 } } });
  await readyThreads(workers, 2);
  const phone = await startPhone(t, 'phone');
  for (let n = 0; n < 2; n++) await phone.call(uri);
  assert.match(await workers.metrics(), /drachtio_sip_requests_in_total\{method="INVITE"\} 2/);
});

test('options that are wrong are named', async () => {
  await assert.rejects(drachtio.workers('x.js', { count: 0 }), { code: 'DRT_ERR_INVALID_OPTION', message: /'count'/ });
  await assert.rejects(drachtio.workers('x.js', { contacts: 1 }), { code: 'DRT_ERR_INVALID_OPTION', message: /'contacts'/ });
});
