'use strict';
// Call detail records as lines of JSON in a file, of an engine in the process and of the server, whether or not somebody listens.

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { test } = require('node:test');
const drachtio = require('../..');
const { SDP, sdp, station } = require('./support');
const { DIRECTORY } = require('./support/configuration');

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

test('the records of a call, and of one that is refused', { timeout: 30_000 }, async (t) => {
  const path = join(DIRECTORY, 'calls.json');
  const callee = await station(
    t,
    'drachtio-srf',
    { invite: (req, res) => (req.get('X-Wanted') ? callee.srf.createUAS(req, res, { localSdp: SDP }) : res.send(486)) },
    { observe: { cdr: { path } } },
  );
  const caller = await station(t);
  const uac = await caller.srf.createUAC(callee.uri, { localSdp: sdp(5000), headers: { 'X-Wanted': 'yes' } });
  const { callId } = uac.sip;
  await uac.destroy({ headers: { Reason: 'Q.850;cause=16;text="done"' } });
  await assert.rejects(caller.srf.createUAC(callee.uri, { localSdp: sdp(5000) }), { status: 486 });
  await callee.server.close();
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.ok(lines.every(({ time }) => TIME.test(time)));
  assert.deepEqual(
    lines.map(({ event, source, role, reason, method, status, cause }) => [event, source, role ?? reason, method ?? status, cause]),
    [
      ['cdr:attempt', 'network', undefined, 'INVITE', undefined],
      ['cdr:start', 'application', 'uas', 200, undefined],
      ['cdr:stop', 'network', 'normal-release', 'BYE', 'Q.850;cause=16;text="done"'],
      ['cdr:attempt', 'network', undefined, 'INVITE', undefined],
      ['cdr:stop', 'application', 'call-rejected', 486, undefined],
    ],
  );
  assert.deepEqual(lines.map((line) => line.callId === callId), [true, true, true, false, false]);
  assert.match(lines[0].uri, /^sip:user@127/);
  assert.match(lines[1].to, /;tag=/);
});

test('a file that cannot be written keeps the engine from starting', { timeout: 30_000 }, async () => {
  const app = drachtio();
  const err = await new Promise((resolve) => {
    app.connect({ contact: 'sip:127.0.0.1:0', observe: { cdr: { path: `${DIRECTORY}/nowhere/x.json` } } }, resolve);
  });
  assert.equal(err.code, 'DRT_ERR_OBSERVE');
  assert.match(err.message, /cannot write .*nowhere/);
});
