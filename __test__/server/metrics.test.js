'use strict';
// Numbers for Prometheus under the names of drachtio-server, and whether the server lives and is ready.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { createServer } = require('node:http');
const drachtio = require('../..');
const { observed } = require('./support/observed');
const { connect, station } = require('./support');
const { peer } = require('./support/sip');

const TIME = { timeout: 30_000 };

/** The names of drachtio-server. */
const NAMES = `build_info time_started sip_requests_in_total sip_requests_out_total sip_responses_in_total sip_responses_out_total
stable_dialogs proxy_cores registered_endpoints app_connections sofia_server_txn_hash_size sofia_client_txn_hash_size sofia_dialog_hash_size
sofia_server_txns sofia_client_txns sofia_dialogs sofia_msgs_recv sofia_msgs_sent sofia_requests_recv_total sofia_requests_sent
sofia_bad_msgs_recv sofia_bad_reqs_recv sofia_retransmitted_requests sofia_retransmitted_responses call_answer_seconds_in
call_answer_seconds_out call_pdd_seconds_in call_pdd_seconds_out`.split(/\s+/).map((name) => `drachtio_${name}`);

/** The samples of a page, by name and labels. */
function samples(page) {
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

test('every name of drachtio-server is there, with a type', TIME, async (t) => {
  const { app } = await observed(t, { metrics: { port: 0 } });
  const page = await app.metrics();
  const typed = [...page.matchAll(/^# TYPE (\S+) (counter|gauge|histogram)$/gm)].map(([, name]) => name);
  assert.deepEqual(NAMES.filter((name) => !typed.includes(name)), []);
  assert.equal(new Set(typed).size, typed.length);
});

test('messages are counted by method and status', TIME, async (t) => {
  const { app, sip } = await observed(t, { metrics: { port: 0 } });
  const caller = await peer(t);
  for (const method of ['OPTIONS', 'OPTIONS', 'MESSAGE', 'FROB']) {
    caller.send(sip, method);
    await caller.answer();
  }
  const page = samples(await app.metrics());
  assert.equal(page['drachtio_sip_requests_in_total{method="OPTIONS"}'], 2);
  assert.equal(page['drachtio_sip_requests_in_total{method="OTHER"}'], 1);
  assert.equal(page['drachtio_sip_responses_out_total{method="OPTIONS",code="200"}'], 2);
  assert.equal(page['drachtio_sip_responses_out_total{method="MESSAGE",code="405"}'], 1);
  assert.equal(page.drachtio_sofia_msgs_recv, 4);
  assert.equal(page.drachtio_app_connections, 1);
  assert.equal(page['drachtio_app_response_seconds_count'], 2);
});

test('a server counts its applications and the dialogs of either side', TIME, async (t) => {
  const far = await station(t, 'drachtio-srf', { invite: (req, res) => far.srf.createUAS(req, res, { localSdp: 'v=0\r\n' }) });
  const near = await station(t);
  await connect(t, near.port);
  await near.srf.createUAC(far.uri, { localSdp: 'v=0\r\n' });
  const ours = samples(await near.server.metrics());
  const theirs = samples(await far.server.metrics());
  assert.deepEqual([ours['drachtio_stable_dialogs{type="outbound"}'], ours['drachtio_stable_dialogs{type="inbound"}']], [1, 0]);
  assert.deepEqual([theirs['drachtio_stable_dialogs{type="outbound"}'], theirs['drachtio_stable_dialogs{type="inbound"}']], [0, 1]);
  assert.deepEqual([ours.drachtio_app_connections, theirs.drachtio_app_connections], [2, 1]);
  assert.deepEqual([ours.drachtio_call_answer_seconds_out_count, theirs.drachtio_call_answer_seconds_in_count], [1, 1]);
});

test('they are served by HTTP, with whether the engine lives and is ready', TIME, async (t) => {
  const port = await freePort();
  await observed(t, { metrics: { host: '127.0.0.1', port } });
  const get = (path, options) => fetch(`http://127.0.0.1:${port}${path}`, options);
  const metrics = await get('/metrics');
  assert.equal(metrics.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  assert.match(await metrics.text(), /^drachtio_build_info\{version="v\d+\.\d+\.\d+"\} 1$/m);
  for (const [path, status] of [
    ['/healthz', 200],
    ['/readyz', 200],
    ['/', 404],
  ]) {
    assert.equal((await get(path)).status, status, path);
  }
  assert.equal((await get('/metrics', { method: 'POST' })).status, 405);
});

test('a port that is taken keeps the engine from starting', TIME, async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const app = drachtio();
  const metrics = { host: '127.0.0.1', port: other.address().port };
  const err = await new Promise((resolve) => {
    app.connect({ contact: 'sip:127.0.0.1:0', observe: { metrics } }, resolve);
  });
  assert.equal(err.code, 'EADDRINUSE');
});

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
