'use strict';
// What the options of `req.proxy` do on the wire: groups, q, what is said of one destination alone, redirections, a signal
// (RFC 3261 §16.5–§16.10); and what the application is told meanwhile.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { startApp, until, whatIsLeft } = require('./app');
const { Callees, values } = require('./callees');
const { freePort } = require('./free_port');
const { sipp, sippTest } = require('./sipp');

const accepts = [{ status: 180 }, { status: 200 }];
const busy = [{ status: 486 }];
const rings = [{ status: 180 }];

let callees;
let server;
let plan;
const scripts = new Map();

before(async () => {
  callees = await Callees.start(4, (callee) => scripts.get(callee));
  server = await startApp((app) => app.invite((req) => plan(req)), { engine: { timers: { t1: 100 } } });
});
after(() => callees.stop());

sippTest('groups: the second when all of the first have failed', async () => {
  const told = [];
  const { results, seen, at } = await call('groups', [busy, busy, accepts], ({ at, proxy, req }) => {
    for (const event of ['branch', 'final']) req.on(event, ({ target }) => told.push(`${event} ${target}`));
    return proxy({ destination: [[at(0), at(1)], at(2)], remainInDialog: true });
  });
  assert.equal(results.finalStatus, 200);
  const third = seen.findIndex(({ callee }) => callee === 'groups.2');
  const refused = seen.slice(0, third).filter(({ status }) => status === 486).map(({ callee }) => callee);
  assert.deepEqual([...new Set(refused)].sort(), ['groups.0', 'groups.1']);
  assert.deepEqual(told.slice(0, 2), [`branch ${at(0)}`, `branch ${at(1)}`]);
  assert.deepEqual(told.slice(2, 4).sort(), [`final ${at(0)}`, `final ${at(1)}`]);
  assert.deepEqual(told.slice(4), [`branch ${at(2)}`, `final ${at(2)}`]);
});

sippTest('q: the most wanted first', async () => {
  const { results, at } = await call('q', [accepts, busy, busy], ({ at, proxy }) =>
    proxy({ destination: [{ uri: at(0), q: 0.1 }, { uri: at(1), q: 0.5 }, { uri: at(2), q: 0.9 }], remainInDialog: true }),
  );
  const shown = results.branches.map(({ target, reason, status }) => [target, reason, status]);
  assert.deepEqual(shown, [[at(2), 'failed', 486], [at(1), 'failed', 486], [at(0), 'answered', 200]]);
});

sippTest('one destination has headers, a transport and a next hop of its own', async () => {
  const { seen } = await call('own', [busy, accepts], ({ at, proxy }) => {
    const far = { uri: 'sip:own.0@far.example', via: `sip:127.0.0.1:${callees.ports[0]};lr`, transport: 'tcp', headers: { 'X-Own': '1' } };
    return proxy({ destination: [far, at(1)], headers: { 'X-All': 'a' }, remainInDialog: true });
  });
  const invite = (callee) => seen.find((one) => one.callee === callee && one.method === 'INVITE').text;
  assert.match(invite('own.0'), /^INVITE sip:own\.0@far\.example SIP\/2\.0\r\n/);
  assert.match(values(invite('own.0'), 'Via')[0], /^SIP\/2\.0\/TCP /);
  assert.match(values(invite('own.1'), 'Via')[0], /^SIP\/2\.0\/UDP /);
  assert.deepEqual(['own.0', 'own.1'].map((callee) => values(invite(callee), 'X-Own')), [['1'], []]);
  assert.deepEqual(['own.0', 'own.1'].map((callee) => values(invite(callee), 'X-All')), [['a'], ['a']]);
});

sippTest('one destination has a time limit of its own', async () => {
  const { results, seen } = await call('limit', [rings, accepts], ({ at, proxy }) =>
    proxy({ destination: [{ uri: at(0), finalTimeout: 300 }, at(1)], remainInDialog: true }),
  );
  assert.deepEqual(results.branches.map(({ reason }) => reason), ['final-timeout', 'answered']);
  assert.ok(results.branches[0].duration >= 300);
  assert.ok(seen.some(({ callee, method }) => callee === 'limit.0' && method === 'CANCEL'));
});

sippTest('redirections are followed as far as was asked for', async () => {
  const to = (at) => [{ status: 302, headers: { Contact: `<sip:far.${at}@127.0.0.1:${callees.ports[at]}>` } }];
  const { results } = await call('far', [to(1), to(2), busy], ({ at, proxy }) => proxy({ destination: at(0), followRedirects: 1 }), 302);
  assert.deepEqual(results.branches.map(({ reason }) => reason), ['redirected', 'failed']);
  assert.equal(results.finalStatus, 302);
});

sippTest('a signal stops the search: what rings is cancelled, the caller gets 480, and nothing else is tried', async () => {
  const { results, seen } = await call('stop', [rings, accepts], ({ at, proxy, req }) => {
    const abort = new AbortController();
    req.on('provisional', () => abort.abort());
    return proxy({ destination: [at(0), at(1)], signal: abort.signal });
  }, 480);
  assert.equal(results.connected, false);
  assert.equal(results.finalStatus, 480);
  assert.deepEqual(results.branches.map(({ reason, responses }) => [reason, responses[0].status]), [['cancelled', 180]]);
  assert.ok(seen.some(({ method }) => method === 'CANCEL'));
  assert.equal(seen.some(({ callee }) => callee === 'stop.1'), false);
});

test('afterwards every engine table is empty', async () => {
  callees.stop();
  assert.deepEqual(await whatIsLeft(server.app), {});
});

/** SIPp calls, and the application proxies to callees with these scripts. Returns what the application and the callees have seen. */
async function call(id, steps, proxies, status = 200) {
  const at = (place) => `sip:${id}.${place}@127.0.0.1:${callees.ports[place]}`;
  for (const [place, script] of steps.entries()) scripts.set(`${id}.${place}`, script);
  let results;
  plan = async (req) => {
    results = await proxies({ req, at, proxy: (options) => req.proxy(options) });
  };
  const scenario = status === 200 ? 'caller' : 'caller-refused';
  const outcome = await sipp({ scenario, values: { user: id, status, talk: 0 }, target: server.address, port: await freePort() }).finished;
  assert.ok(outcome.ok, outcome.log);
  assert.ok(await until(() => results), 'the application was told how its proxying ended');
  return { results, at, seen: callees.call(id).seen };
}
