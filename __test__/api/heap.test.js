'use strict';
// The heap is as large after many requests as after few. `REQUESTS=1000000 node --test __test__/api/heap.test.js` is the long run.

const test = require('node:test');
const assert = require('node:assert/strict');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { connected, request, response, turns } = require('./support/harness');

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

const REQUESTS = Number(process.env.REQUESTS ?? 20_000);
const BATCH = 100;

/** What may come and go without being a leak: code that is compiled, tables that have grown. A request takes 4 kB. */
const SLACK = 2_000_000;

async function heapUsed() {
  await turns(5);
  collectGarbage();
  await turns(2);
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/**
 * How much the heap grows while `REQUESTS` requests are made by `some`, which makes a batch of them.
 *
 * @param {(first: number) => Promise<void>} some
 */
async function growth(some) {
  const play = async (from, to) => {
    for (let at = from; at < to; at += BATCH) await some(at);
  };
  await play(0, REQUESTS / 10);
  const before = await heapUsed();
  await play(REQUESTS / 10, REQUESTS);
  return (await heapUsed()) - before;
}

test('requests that come: answered, with callbacks and promises, cancelled, proxied, acknowledged', async (t) => {
  const { app, engine } = await connected((a) => {
    a.options((req, res) => res.send(200));
    a.info(async (req, res) => {
      await res.send(200, { headers: { 'X-Heard': req.headers['call-id'] }, body: JSON.stringify(req) });
    });
    a.invite((req, res) => {
      req.on('cancel', () => {}).on('update', () => {});
      res.send(180);
      if (req.get('x-proxied')) req.proxy();
      else res.send(200, { body: 'v=0' }, () => {}, () => {});
    });
    a.use((req, res) => res.send(404));
  });
  const grown = await growth(async (first) => {
    for (let i = first; i < first + BATCH; i += 5) {
      const [callId, dialog] = [`call-${i}`, `call-${i};from-tag=a1`];
      engine.receive(request('OPTIONS', { callId }), { txn: `o${i}` });
      engine.receive(request('INFO', { callId }), { txn: `n${i}` });
      engine.receive(request('INVITE', { callId }), { txn: `i${i}` });
      engine.receive(request('INVITE', { callId: `${callId}-p`, headers: { 'X-Proxied': 1 } }), { txn: `p${i}` });
      engine.receive(request('INVITE', { callId: `${callId}-c`, headers: { 'X-Proxied': 1 } }), { txn: `c${i}` });
      engine.receive(request('CANCEL', { callId: `${callId}-c` }), { txn: `c${i}` });
      await turns(1);
      for (const command of engine.drain()) {
        if (command.kind === 4) engine.finish(command);
        else if (command.id !== 0) engine.accept(command, { dialog: command.head.startsWith('i') ? dialog : '' });
      }
      engine.receive(request('ACK', { callId }), { txn: `a${i}`, dialog });
    }
    await turns(2);
    engine.drain();
  });
  assert.equal(app.idle, true);
  t.diagnostic(`${REQUESTS} requests, the heap has grown by ${grown} bytes`);
  assert.ok(grown < SLACK, `the heap has grown by ${grown} bytes`);
});

test('requests that are sent: answered, challenged, refused, with loops and signals', async (t) => {
  const { app, engine } = await connected();
  const controller = new AbortController();
  const auth = { username: 'u', password: 'p' };
  const read = async (sending) => {
    const req = await sending;
    for await (const res of req.responses()) await res.ack();
  };
  const grown = await growth(async (first) => {
    const reading = [];
    for (let i = first; i < first + BATCH; i += 4) {
      reading.push(read(app.request({ uri: `sip:a${i}@b`, method: 'OPTIONS' })));
      reading.push(read(app.request({ uri: 'sip:a@b', method: 'INVITE', signal: controller.signal })));
      reading.push(read(app.request({ uri: `sip:a@b${i}`, method: 'MESSAGE', auth })));
      app.request({ uri: 'sip:a@b', method: 'INFO' }, () => {});
    }
    for (let round = 0; round < 4; round++) {
      await turns(1);
      for (const [i, command] of engine.drain().entries()) {
        const method = command.text.slice(0, command.text.indexOf(' '));
        const txn = `${first}-${round}-${i}`;
        if (method === 'INFO') {
          engine.refuse(command, 'no');
          continue;
        }
        engine.accept(command, { txn }, request(method, { callId: `c${txn}` }));
        if (method === 'ACK') continue;
        const isChallenge = method === 'MESSAGE' && !command.text.includes('Authorization:');
        const headers = isChallenge ? { 'WWW-Authenticate': 'Digest realm="r", nonce="n"' } : {};
        engine.receive(response(isChallenge ? 401 : 200, 'R', { method, headers, callId: `c${txn}` }), { txn, dialog: `d${txn}` });
      }
    }
    await Promise.all(reading);
  });
  assert.equal(app.idle, true);
  t.diagnostic(`${REQUESTS} requests, the heap has grown by ${grown} bytes`);
  assert.ok(grown < SLACK, `the heap has grown by ${grown} bytes`);
});
