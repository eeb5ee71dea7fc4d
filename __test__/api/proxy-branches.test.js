'use strict';
// What a proxied request tells of its branches while it runs, and in its results.

const test = require('node:test');
const assert = require('node:assert/strict');
const { response } = require('./support/harness');
const { proxied } = require('./support/proxied');

const at = (seconds) => `18:10:0${seconds}.250000`;

/** Two destinations at once: one rings and is cancelled, the other is busy. */
async function search(listen = () => {}) {
  const run = await proxied((req) => {
    listen(req);
    return req.proxy({ destination: [['sip:a', 'sip:b']] });
  });
  const { engine, command } = run;
  engine.progress(command, `${at(0)}|0|started|sip:a`);
  engine.progress(command, `${at(0)}|1|started|sip:b|c`);
  engine.branch(command, response(180, 'Ringing'), { txn: '0', time: at(1) });
  engine.branch(command, response(183, 'Session Progress'), { txn: '0', time: at(2) });
  engine.branch(command, response(603, 'Decline'), { txn: '1', time: at(3) });
  engine.progress(command, `${at(3)}|1|ended|failed|603`);
  engine.progress(command, `${at(3)}|0|ended|cancelled|`);
  engine.branch(command, response(487, 'Request Terminated'), { txn: '0', time: at(4) });
  engine.finish(command);
  return { ...run, results: await run.returned };
}

test('each branch has its target, its times, all its responses and the reason of its end', async () => {
  const { results } = await search();
  const seen = results.branches.map(({ responses, ...branch }) => ({ ...branch, responses: responses.map(({ status, time }) => [status, time]) }));
  assert.deepEqual(seen, [
    {
      target: 'sip:a',
      startTime: at(0),
      endTime: at(3),
      duration: 3000,
      reason: 'cancelled',
      status: undefined,
      responses: [[180, at(1)], [183, at(2)], [487, at(4)]],
    },
    { target: 'sip:b|c', startTime: at(0), endTime: at(3), duration: 3000, reason: 'failed', status: 603, responses: [[603, at(3)]] },
  ]);
  assert.equal(results.finalStatus, 603);
  assert.deepEqual(results.responses.flatMap(({ msgs }) => msgs.map(({ status }) => status)), [603, 487], 'final ones only');
});

test('the request tells of them while the search goes on', async () => {
  const told = [];
  await search((req) => {
    req.on('branch', ({ target, reason }) => told.push(['branch', target, reason]));
    req.on('provisional', ({ status }, { target }) => told.push(['provisional', target, status]));
    req.on('final', ({ target, reason, status, responses }) => told.push(['final', target, reason, status, responses.length]));
  });
  assert.deepEqual(told, [
    ['branch', 'sip:a', undefined],
    ['branch', 'sip:b|c', undefined],
    ['provisional', 'sip:a', 180],
    ['provisional', 'sip:a', 183],
    ['final', 'sip:b|c', 'failed', 603, 1],
    ['final', 'sip:a', 'cancelled', undefined, 2],
  ]);
});

test('a redirection that was followed is not the final response', async () => {
  const { engine, command, returned } = await proxied((req) => req.proxy({ destination: 'sip:a', followRedirects: true }));
  engine.progress(command, `${at(0)}|0|started|sip:a`);
  engine.branch(command, response(302, 'Moved'), { txn: '0' });
  engine.progress(command, `${at(1)}|0|ended|redirected|302`);
  engine.progress(command, `${at(1)}|1|started|sip:z`);
  engine.branch(command, response(404, 'Not Found'), { txn: '1' });
  engine.progress(command, `${at(1)}|1|ended|failed|404`);
  engine.finish(command);
  const { finalStatus, branches } = await returned;
  assert.equal(finalStatus, 404);
  assert.deepEqual(branches.map(({ target, reason }) => [target, reason]), [['sip:a', 'redirected'], ['sip:z', 'failed']]);
});

test('a duration over midnight, and one of a part of a millisecond', async () => {
  const { engine, command, returned } = await proxied((req) => req.proxy({ destination: 'sip:a' }));
  engine.progress(command, '23:59:59.999900|0|started|sip:a');
  engine.progress(command, '00:00:00.000150|0|ended|unreachable|503');
  engine.finish(command);
  const [{ duration, status, reason }] = (await returned).branches;
  assert.deepEqual([duration.toFixed(3), status, reason], ['0.250', 503, 'unreachable']);
});

test('one that ends without having been tried is not told of', async () => {
  const { engine, command, returned } = await proxied((req) => req.proxy({ destination: ['sip:a', 'sip:b'] }));
  engine.progress(command, `${at(0)}|1|ended|cancelled|`);
  engine.finish(command);
  assert.deepEqual((await returned).branches, []);
});
