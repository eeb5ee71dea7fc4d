'use strict';
// Which destinations of a proxied request are tried when (RFC 3261 §16.6): arrays, groups, and the order of their q.

const test = require('node:test');
const assert = require('node:assert/strict');
const { bodyOf, connected, request, turns } = require('./support/harness');
const { proxied } = require('./support/proxied');

/** The command for some options: its destinations, how it forks, and what its body says, line by line. */
async function commandFor(options) {
  const { command } = await proxied((req) => req.proxy(options, () => {}));
  const tokens = command.head.split('|');
  return { forking: tokens[4], destinations: tokens.slice(7), lines: bodyOf(command).split('\r\n').slice(0, -1) };
}

const groupsIn = (lines) => lines.join(' ').split(' group ').slice(1).map((group) => group.match(/(?<=target )\S+/g));

test('an array is tried one after the other, or all at once', async () => {
  const destination = ['sip:a', 'sip:b'];
  assert.deepEqual(await commandFor({ destination }), { forking: 'serial', destinations: destination, lines: ['plan', 'progress'] });
  assert.equal((await commandFor({ destination, forking: 'simultaneous' })).forking, 'simultaneous');
});

test('arrays in an array are groups: one after the other, each at once', async () => {
  const { destinations, lines } = await commandFor({ destination: ['sip:a', ['sip:b', 'c'], [{ uri: 'sip:d' }]] });
  assert.deepEqual(destinations, ['sip:a', 'sip:b', 'sip:c', 'sip:d']);
  assert.deepEqual(groupsIn(lines), [['sip:a'], ['sip:b', 'sip:c'], ['sip:d']]);
});

test('one group is tried at once', async () => {
  const { forking, lines } = await commandFor({ destination: [['sip:a', 'sip:b']] });
  assert.equal(forking, 'simultaneous');
  assert.deepEqual(lines, ['plan', 'progress']);
});

test('the highest q comes first, the same q is tried at once, and one without is as good as 1', async () => {
  const destination = [{ uri: 'sip:a', q: 0.3 }, { uri: 'sip:b', q: 0.7 }, 'sip:c', { uri: 'sip:d', q: 0.7 }, { uri: 'sip:e', q: 0 }];
  const { lines } = await commandFor({ destination });
  assert.deepEqual(groupsIn(lines), [['sip:c'], ['sip:b', 'sip:d'], ['sip:a'], ['sip:e']]);
});

test('with forking serial the same q is tried in the order given', async () => {
  const destination = [{ uri: 'sip:a', q: 0.5 }, { uri: 'sip:b', q: 0.5 }, { uri: 'sip:c', q: 0.9 }];
  const { destinations, forking, lines } = await commandFor({ destination, forking: 'serial' });
  assert.deepEqual([forking, destinations, lines], ['serial', ['sip:c', 'sip:a', 'sip:b'], ['plan', 'progress']]);
});

test('a destination has options of its own', async () => {
  const destination = {
    uri: 'sip:a@example.com',
    headers: { 'X-A': 1, 'X-B': ['b', 'c'] },
    provisionalTimeout: '500ms',
    finalTimeout: 20_000,
    transport: 'tls',
    via: 'sip:edge.example.com;lr',
  };
  const { lines } = await commandFor({ destination: [destination, 'sip:b'] });
  assert.deepEqual(lines, [
    'plan',
    'progress',
    'group',
    'target sip:a@example.com',
    'via sip:edge.example.com;lr',
    'transport tls',
    'provisional-timeout 500ms',
    'final-timeout 20000ms',
    'header X-A: 1',
    'header X-B: b,c',
    'group',
    'target sip:b',
  ]);
});

test('redirections are followed so many times in a row', async () => {
  assert.deepEqual((await commandFor({ destination: 'sip:a', followRedirects: 2 })).lines, ['plan', 'progress', 'redirects 2']);
  assert.deepEqual((await commandFor({ destination: 'sip:a', followRedirects: true })).lines, ['plan', 'progress']);
});

test('who wants no responses is told nothing on the way', async () => {
  assert.deepEqual((await commandFor({ destination: 'sip:a', wantsFullResponse: false })).lines, []);
});

test('what is wrong with a destination is an error that says where', async () => {
  const wrong = [
    [{ destination: [[]] }, 'destination[0]'],
    [{ destination: [['sip:a', 5]] }, 'destination[0][1]'],
    [{ destination: [['sip:a', ['sip:b']]] }, 'destination[0][1]'],
    [{ destination: {} }, 'destination.uri'],
    [{ destination: { uri: 'a b' } }, 'destination.uri'],
    [{ destination: [{ uri: 'a', q: 2 }] }, 'destination[0].q'],
    [{ destination: [{ uri: 'a', q: '1' }] }, 'destination[0].q'],
    [{ destination: [{ uri: 'a', transport: 'sctp' }] }, 'destination[0].transport'],
    [{ destination: [{ uri: 'a', via: '' }] }, 'destination[0].via'],
    [{ destination: [{ uri: 'a', finalTimeout: '5' }] }, 'destination[0].finalTimeout'],
    [{ destination: [{ uri: 'a', headers: [] }] }, 'destination[0].headers'],
    [{ destination: [{ uri: 'a', weight: 1 }] }, 'destination[0].weight'],
    [{ destination: [[{ uri: 'a', q: 1 }], 'b'] }, 'destination'],
    [{ destination: ['a', ['b']], forking: 'serial' }, 'forking'],
    [{ destination: [{ uri: 'a', q: 1 }], forking: 'simultaneous' }, 'forking'],
    [{ destination: Array(65).fill('sip:a') }, 'destination'],
  ];
  const errors = [];
  const { engine } = await connected((app) => app.use((req) => {
    for (const [options] of wrong) assert.throws(() => req.proxy(options), (err) => Boolean(errors.push(err)));
  }));
  engine.receive(request('INVITE'));
  await turns();
  errors.forEach(({ code, message }, at) => {
    assert.equal(code, 'DRT_ERR_INVALID_OPTION');
    assert.ok(message.includes(`'${wrong[at][1]}'`), message);
  });
  assert.deepEqual(engine.commands, []);
});

test('a line break in a header of a destination does not reach the engine', async () => {
  const destination = { uri: 'sip:a', headers: { 'X-A': '1\r\nvia sip:evil' } };
  const { engine } = await connected((app) => app.use((req) => assert.throws(() => req.proxy({ destination }), { code: 'DRT_ERR_INVALID_HEADER' })));
  engine.receive(request('INVITE'));
  await turns();
  assert.deepEqual(engine.commands, []);
});
