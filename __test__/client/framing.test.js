'use strict';
// The stream of a drachtio-server: split anywhere, several frames at once, and nonsense.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { setImmediate: nextTurn } = require('node:timers/promises');
const { connected, told } = require('../support/client');
const { request } = require('../support/fake_drachtio_server');

/** An application that collects the bodies of what it gets. */
async function collecting(t, options) {
  const bodies = [];
  const both = await connected(t, (app) => {
    app.message((req, res) => {
      bodies.push(req.body);
      res.send(200);
      app.emit('collected');
    });
  }, options);
  // Its answer would get between the pieces of a test.
  await both.peer.next('route');
  return { ...both, bodies };
}

const BODIES = ['one', 'zwölf €', '😀'.repeat(300), '5#x|y\r\n\r\nz'];

function framesOf(peer) {
  return Buffer.concat(BODIES.map((body) => {
    const text = request('MESSAGE', { body });
    return Buffer.from(peer.frame(`id|sip|network|${Buffer.byteLength(text)}|udp|10.0.0.9|5060|18:02:49.715381|txn||10.0.0.5|5060|\r\n${text}`));
  }));
}

test('several frames come in one read', async (t) => {
  const { app, peer, bodies } = await collecting(t);
  peer.raw(framesOf(peer));
  while (bodies.length < BODIES.length) await once(app, 'collected');
  assert.deepEqual(bodies, BODIES);
});

test('a stream is split at every byte', async (t) => {
  const { app, peer, bodies } = await collecting(t);
  const stream = framesOf(peer);
  const step = (from, size) => new Promise((resolve) => {
    peer.socket.write(stream.subarray(from, from + size), resolve);
  });
  for (let at = 0; at < stream.length; at++) {
    await step(at, 1);
    if (at % 16 === 0) await nextTurn();
  }
  while (bodies.length < BODIES.length) await once(app, 'collected');
  assert.deepEqual(bodies, BODIES);
});

test('the codec gives the same events wherever the stream is split', () => {
  const { loadCodec } = require('../../lib/native');
  const Codec = loadCodec();
  const stream = framesOf({ frame: (text) => `${Buffer.byteLength(text)}#${text}` });
  const whole = new Codec().receive(stream);
  for (let at = 0; at <= stream.length; at++) {
    const codec = new Codec();
    assert.deepEqual([...codec.receive(stream.subarray(0, at)), ...codec.receive(stream.subarray(at))], whole);
  }
});

test('what makes no sense ends that connection with an error, and another one is made', async (t) => {
  for (const [nonsense, message] of [
    ['hello', /does not begin with its length/],
    ['99999999#', /longer than/],
    ['3#\u0001\u0002\u0003', /without a type/],
    ['22#id|sip|network|1|udp|h', /too few tokens/],
  ]) {
    const { app, server, peer } = await collecting(t);
    const failed = once(app, 'error');
    peer.raw(nonsense);
    const [err] = await failed;
    assert.equal(err.code, 'DRT_ERR_PROTOCOL');
    assert.match(err.message, message);
    const [second] = await Promise.all([server.peer(), told(app, 'connect')]);
    assert.equal(second.said[0].type, 'authenticate');
  }
});

test('nobody has to listen for errors of a stream', async (t) => {
  const { app, server, peer } = await collecting(t);
  peer.raw('hello');
  await Promise.all([server.peer(), told(app, 'connect')]);
});

test('what is of a type that is not known is passed over', async (t) => {
  const { app, peer, bodies } = await collecting(t);
  peer.send('id|weather|sunny');
  peer.send(`id|sip|network|3|udp|h|5060|18:02:49.715381|txn||h|5060|\r\nabc`);
  peer.reply({ id: 'no-command-of-ours' }, 'OK');
  peer.deliver(request('MESSAGE', { body: 'after' }));
  await once(app, 'collected');
  assert.deepEqual(bodies, ['after']);
});

test('what is written goes at once', async (t) => {
  const told = t.mock.method(net.Socket.prototype, 'setNoDelay');
  const { app, peer } = await connected(t, (a) => a.options((req) => a.emit('here', req.socket)));
  const here = once(app, 'here');
  peer.deliver(request('OPTIONS'));
  const [socket] = await here;
  assert.deepEqual(told.mock.calls.filter((call) => call.this === socket).map((call) => call.arguments), [[true]]);
});
