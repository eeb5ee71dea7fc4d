'use strict';
// A server that is to end: no new calls, those that there are go on, until a deadline.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const { SDP, connect, startServer, station } = require('./support');

async function withCall(t) {
  const { server, port, address } = await startServer(t);
  const app = await connect(t, port, 'drachtio-srf', { handlers: { invite: (req, res) => app.createUAS(req, res, { localSdp: SDP }) } });
  const caller = await station(t);
  const call = () => caller.srf.createUAC(`sip:bob@${address}`, { localSdp: SDP });
  return { server, caller, call, uac: await call() };
}

test('new calls are refused with 503 and Retry-After, and the server ends with the last call', async (t) => {
  const { server, call, uac } = await withCall(t);
  const ended = server.drain({ deadline: 60_000 });
  assert.equal(server.draining, true);
  await assert.rejects(call(), (err) => {
    assert.equal(err.status, 503);
    assert.match(err.res.get('Retry-After'), /^\d+$/);
    return true;
  });
  assert.equal((await uac.request({ method: 'INFO' })).status, 200);
  await uac.destroy();
  await ended;
});

test('what is left at the deadline is hung up', async (t) => {
  const { server, uac } = await withCall(t);
  const destroyed = once(uac, 'destroy');
  await server.drain({ deadline: 100 });
  await destroyed;
});
