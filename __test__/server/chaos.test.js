'use strict';
// Applications die under load, stop reading, and the server itself is restarted: who calls hears a final response.

const assert = require('node:assert/strict');
const { fork, spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { test } = require('node:test');
const drachtio = require('../..');
const { RawApplication } = require('./raw_application');
const { SDP, SECRET, connect, settled, startServer, station } = require('./support');
const { freePort } = require('../sipp/free_port');

/** Calls per second, and for how long. CI has two processors. */
const RATE = Number(process.env.CHAOS_RATE ?? 100);
const SECONDS = 2;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function startApplication(t, port, tag) {
  const child = fork(path.join(__dirname, 'application.js'), [String(port), ...(tag ? [tag] : [])]);
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'message');
  return child;
}

/** A caller with an engine of its own. */
async function startCaller(t) {
  const app = drachtio();
  const hungUp = [];
  app.bye((req, res) => {
    hungUp.push(req.stackDialogId);
    res.send(200);
  });
  await new Promise((resolve, reject) => {
    app.connect({ contact: 'sip:127.0.0.1:0;transport=udp,tcp' }, (err) => (err ? reject(err) : resolve()));
  });
  t.after(() => app.disconnect());
  return { app, hungUp };
}

/** One call, held for a moment: its final status, and whether it was hung up from the other side before it was from here. */
async function call({ app, hungUp }, uri) {
  const req = await app.request({ uri, method: 'INVITE', body: SDP });
  for await (const res of req.responses()) {
    if (res.status < 200) continue;
    if (res.status >= 300) return { status: res.status };
    await res.ack();
    const dialog = res.stackDialogId;
    await pause(300);
    if (hungUp.includes(dialog)) return { status: 200, hungUp: true };
    const bye = await app.request({ method: 'BYE', stackDialogId: dialog }).catch(() => undefined);
    if (bye === undefined) return { status: 200, hungUp: true };
    for await (const answer of bye.responses()) if (answer.status >= 200) return { status: 200, hungUp: answer.status !== 200 };
  }
  throw new Error('a call has no final response');
}

test('an application is killed under load: others take what it had not answered, and every caller hears the end', { timeout: 60_000 }, async (t) => {
  const { server, port, address } = await startServer(t);
  const victim = await startApplication(t, port);
  await startApplication(t, port);
  const caller = await startCaller(t);
  const calls = [];
  const count = RATE * SECONDS;
  const start = performance.now();
  while (calls.length < count) {
    const due = Math.min(count, Math.ceil(((performance.now() - start) / 1000) * RATE));
    while (calls.length < due) {
      calls.push(call(caller, `sip:bob@${address}`));
      if (calls.length === count / 2) victim.kill('SIGKILL');
    }
    await pause(5);
  }
  const ends = await Promise.all(calls);
  const answered = ends.filter(({ status }) => status === 200);
  const refused = ends.filter(({ status }) => status === 503);
  const hungUp = answered.filter((end) => end.hungUp);
  t.diagnostic(`${count} calls at ${RATE}/s: ${answered.length} answered, ${hungUp.length} of them hung up by the server, ${refused.length} refused with 503`);
  assert.equal(answered.length + refused.length, count, JSON.stringify(ends));
  const late = await Promise.all(Array.from({ length: 10 }, () => call(caller, `sip:bob@${address}`)));
  assert.ok(late.every(({ status, hungUp }) => status === 200 && !hungUp));
  await settled(server);
});

test('an application that does not read is dropped, and nobody waits for it', { timeout: 60_000 }, async (t) => {
  const { server, port, address } = await startServer(t, { admin: { limits: { writeTimeout: 300 } } });
  const stalled = await RawApplication.join(t, port, { routes: ['message'] });
  stalled.socket.pause();
  const caller = await startCaller(t);
  const body = 'x'.repeat(50_000);
  const send = async () => {
    const uri = `sip:bob@${address};transport=tcp`;
    const req = await caller.app.request({ uri, method: 'MESSAGE', headers: { 'Content-Type': 'text/plain' }, body });
    for await (const res of req.responses()) if (res.status >= 200) return res.status;
  };
  const sent = [];
  // The buffers of the system hold some megabytes.
  while (server.census().applications > 0) {
    for (let n = 0; n < 20; n++) sent.push(send());
    await pause(20);
  }
  t.diagnostic(`${sent.length} messages of 50 kB until the application was dropped`);
  assert.deepEqual([...new Set(await Promise.all(sent))], [503]);
  await connect(t, port, 'drachtio-srf', { handlers: { message: (req, res) => res.send(200) } });
  const req = await caller.app.request({ uri: `sip:bob@${address}`, method: 'MESSAGE' });
  for await (const res of req.responses()) if (res.status >= 200) assert.equal(res.status, 200);
  await settled(server);
});

test('the server is killed and started again: applications come back by themselves', { timeout: 60_000 }, async (t) => {
  const [sipPort, port] = [await freePort(), await freePort()];
  const start = async () => {
    const flags = ['--contact', `sip:127.0.0.1:${sipPort};transport=udp`, '--port', String(port), '--secret', SECRET];
    const child = spawn(process.execPath, [path.join(__dirname, '../../bin/drachtio.js'), 'serve', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    child.stdout.resume();
    return child;
  };
  const first = await start();
  const app = await connect(t, port, 'drachtio-srf', { reconnect: { maxAttempts: 50 }, handlers: { message: (req, res) => res.send(200) } });
  const caller = await station(t);
  const ask = () =>
    new Promise((resolve, reject) => {
      caller.srf.request(`sip:bob@127.0.0.1:${sipPort}`, { method: 'MESSAGE' }, (err, req) => {
        if (err) reject(err);
        else req.on('response', (res) => resolve(res.status));
      });
    });
  assert.equal(await ask(), 200);
  // `once` would end with the first connection that is refused.
  const again = new Promise((resolve) => app.once('connect', resolve));
  first.kill('SIGKILL');
  await once(first, 'exit');
  await start();
  await again;
  // The routes come after the greeting.
  let status;
  do status = await ask();
  while (status !== 200);
});
