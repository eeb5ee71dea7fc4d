'use strict';
// drachtio.onSend: being told before the first response is sent.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, drachtio, request, startLine, turns } = require('./support/harness');

async function toldOf(...args) {
  const told = [];
  const { engine } = await connected((app) => {
    app.use((req, res, next) => {
      drachtio.onSend(res, function listener(...what) {
        assert.equal(this, res);
        told.push(what);
      });
      next();
    });
    app.invite((req, res) => {
      assert.equal(typeof res.send(...args)?.then, args.some((arg) => typeof arg === 'function') ? 'undefined' : 'function');
      res.send(500);
    });
  });
  engine.receive(request('INVITE'));
  await turns();
  return { told, lines: engine.commands.map(startLine) };
}

test('the listener gets status, reason and options', async () => {
  const headers = { 'X-A': '1' };
  assert.deepEqual((await toldOf(486)).told, [[486, 'Busy Here', {}]]);
  assert.deepEqual((await toldOf(486, 'R')).told, [[486, 'R', {}]]);
  assert.deepEqual((await toldOf(486, { headers })).told, [[486, 'Busy Here', { headers }]]);
  assert.deepEqual((await toldOf(486, 'R', { headers })).told, [[486, 'R', { headers }]]);
  assert.deepEqual((await toldOf(486, () => {})).told, [[486, 'Busy Here', {}]]);
});

test('the listener is called once, and every response is sent', async () => {
  const { told, lines } = await toldOf(180);
  assert.deepEqual(told, [[180, 'Ringing', {}]]);
  assert.deepEqual(lines, ['SIP/2.0 180 Ringing', 'SIP/2.0 500 Server Internal Error']);
});

test('what the listener sets on the response is sent', async () => {
  const { engine } = await connected((app) => app.invite((req, res) => {
    drachtio.onSend(res, () => res.set('X-Late', 1));
    res.send(200);
  }));
  engine.receive(request('INVITE'));
  await turns();
  assert.match(engine.commands[0].text, /\r\nX-Late: 1\r\n/);
});

test('both arguments are needed', () => {
  assert.throws(() => drachtio.onSend(), { name: 'TypeError', message: 'argument res is required' });
  assert.throws(() => drachtio.onSend({}), { name: 'TypeError', message: 'argument listener must be a function' });
});
