'use strict';
// Keeps ten workers under traffic, terminates one after the other, and prints as its last line what that left behind.

const dgram = require('node:dgram');
const { once } = require('node:events');
const { readdirSync } = require('node:fs');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { Worker } = require('node:worker_threads');
const { freePort } = require('../free_port');

const WORKERS = 10;
const TERMINATIONS = 200;
/** What is measured before this one is the cost of starting at all. */
const WARM = 50;

const answers = new Map();
let number = 0;

async function main() {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.on('message', (datagram, { port }) => {
    const text = datagram.toString('latin1');
    if (text.startsWith('SIP/2.0 200')) answers.set(port, (answers.get(port) ?? 0) + 1);
    if (text.startsWith('OPTIONS')) socket.send(text.replace(/^.*/, 'SIP/2.0 200 OK'), port, '127.0.0.1');
  });
  const sink = socket.address().port;

  const slots = await Promise.all(Array.from({ length: WORKERS }, () => freePort()));
  const workers = [];
  const traffic = setInterval(() => slots.forEach((port) => burst(socket, port)), 20);
  let [terminated, before] = [0, undefined];
  for (; terminated < TERMINATIONS; terminated += 1) {
    if (terminated === WARM) before = await rest(workers);
    const slot = terminated % WORKERS;
    if (!workers[slot]) for (let i = 0; i < WORKERS; i += 1) workers[i] = await start(slots[i], sink);
    await sleep(10 + (terminated % 7) * 5);
    await workers[slot].terminate();
    workers[slot] = await start(slots[slot], sink);
  }
  const answeredBefore = new Map(answers);
  await sleep(500);
  const silent = slots.filter((port) => answers.get(port) === answeredBefore.get(port));
  clearInterval(traffic);
  const after = await rest(workers);
  socket.close();
  const answered = [...answers.values()].reduce((sum, count) => sum + count, 0);
  console.log(JSON.stringify({ terminated, answered, silent, before, after }));
}

async function start(port, sink) {
  const worker = new Worker(path.join(__dirname, 'app.js'), { workerData: { port, sink } });
  worker.on('error', (err) => {
    throw err;
  });
  await once(worker, 'message');
  return worker;
}

/** Ends all workers, and tells what the process holds when they are gone. */
async function rest(workers) {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
  await sleep(500);
  globalThis.gc?.();
  const { rss } = process.memoryUsage();
  const count = (folder) => (process.platform === 'linux' ? readdirSync(folder).length : 0);
  return { rss, threads: count('/proc/self/task'), descriptors: count('/proc/self/fd') };
}

function burst(socket, port) {
  number += 1;
  for (const method of number % 20 === 0 ? ['OPTIONS', 'INVITE'] : ['OPTIONS']) {
    const text = [
      `${method} sip:x@127.0.0.1:${port} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${socket.address().port};rport;branch=z9hG4bK-${method}-${number}`,
      `From: <sip:storm@127.0.0.1>;tag=${number}`,
      'To: <sip:x@127.0.0.1>',
      `Call-ID: ${method}-${number}`,
      `CSeq: 1 ${method}`,
      `Contact: <sip:storm@127.0.0.1:${socket.address().port}>`,
      'Max-Forwards: 70',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n');
    socket.send(text, port, '127.0.0.1');
  }
}

main();
