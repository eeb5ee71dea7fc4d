'use strict';
// Names that lead to addresses of a world, and names that lead nowhere.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { openWorld } = require('../../testing');
const { stage } = require('./stage');

const NAMES = {
  'bob.example.com': '192.0.2.9',
  'Pool.Example.com': ['udp/192.0.2.10:5080', 'tcp/192.0.2.11:5070'],
  'six.example.com': '2001:DB8::0:9',
  'gone.example.com': [],
};

async function request(t, uri) {
  const { world, app } = await stage(t, undefined, { world: { names: NAMES }, connect: { contact: 'sip:*' } });
  const peers = ['192.0.2.9', '192.0.2.9:5090', '192.0.2.10:5080', '192.0.2.10:5090', '192.0.2.11:5070;transport=tcp', '[2001:db8::9]'].map((host) => world.peer(`sip:${host}`));
  const req = await app.request({ uri, method: 'OPTIONS' }).catch((err) => err);
  await world.advance(0);
  return { world, app, req, reached: peers.filter(({ heard }) => heard.length > 0).map((peer) => peer.uri) };
}

for (const [uri, expected] of [
  ['sip:bob@bob.example.com', 'sip:192.0.2.9'],
  ['sip:bob@BOB.example.com:5090', 'sip:192.0.2.9:5090'],
  ['sip:bob@pool.example.com', 'sip:192.0.2.10:5080'],
  ['sip:bob@pool.example.com;transport=tcp', 'sip:192.0.2.11:5070;transport=tcp'],
  ['sip:bob@pool.example.com:5090', 'sip:192.0.2.10:5090'],
  ['sip:bob@six.example.com', 'sip:[2001:db8::9]'],
]) {
  test(`${uri} leads to ${expected}`, async (t) => {
    assert.deepEqual((await request(t, uri)).reached, [expected]);
  });
}

for (const host of ['gone.example.com', 'unknown.example.com']) {
  test(`${host} leads nowhere`, async (t) => {
    const { req, reached } = await request(t, `sip:bob@${host}`);
    assert.deepEqual(reached, []);
    assert.match(req.message, /resolve|address|name/i);
  });
}

test('a request goes on to the next place of a name when the first one is silent', async (t) => {
  const { world, reached } = await request(t, 'sip:bob@pool.example.com');
  assert.deepEqual(reached, ['sip:192.0.2.10:5080']);
  await world.advance('33s');
  assert.ok(world.sent.some(({ to }) => to === 'tcp/192.0.2.11:5070'));
});

test('a peer calls by name, too, and may live at one', async (t) => {
  const { world } = await stage(t, (app) => app.options((req, res) => res.send(200)), { world: { names: { 'sip.example.com': '192.0.2.1', 'alice.example.com': '192.0.2.8' } } });
  const alice = world.peer('sip:alice@alice.example.com');
  const request = alice.request('OPTIONS', 'sip:sip.example.com');
  assert.match(request.get('via'), /192\.0\.2\.8:5060/);
  await alice.receives(200);
  assert.throws(() => alice.request('OPTIONS', 'sip:nobody.example.com'), { code: 'DRT_ERR_INVALID_ARGUMENT', message: /nobody\.example\.com/ });
  assert.throws(() => world.peer('sip:bob@nobody.example.com'), { code: 'DRT_ERR_INVALID_ARGUMENT' });
});

test('a name that leads to no address is an error', () => {
  for (const place of ['example.com', '192.0.2.9:99999999', 'sctp/192.0.2.9', '', 7]) {
    assert.throws(() => openWorld({ names: { 'a.example.com': place } }), { code: 'DRT_ERR_INVALID_OPTION', message: /'a\.example\.com'/ }, String(place));
  }
});
