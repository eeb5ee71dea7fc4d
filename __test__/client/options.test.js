'use strict';
// The options of connect and listen that speak of a drachtio-server.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { drachtio, connected } = require('../support/client');
const { request } = require('../support/fake_drachtio_server');
const { isRemote, readServerOptions } = require('../../lib/remote/options');

test('host or port means a server, and neither the engine of this process', () => {
  assert.equal(isRemote({ host: 'h' }), true);
  assert.equal(isRemote({ port: 9022 }), true);
  for (const options of [{}, undefined, null, { contact: 'sip:*' }, { host: undefined }, () => {}]) assert.equal(isRemote(options), false);
});

test('the other one has a default', () => {
  const { host, port } = readServerOptions({ host: 'h', secret: 's' });
  assert.deepEqual([host, port], ['h', 9022]);
  assert.equal(readServerOptions({ port: '9023', secret: 's' }).host, 'localhost');
});

test('a wrong option is an error that names it', () => {
  const wrong = (options, name) => {
    const all = { port: 9022, secret: 'cymru', ...options };
    assert.throws(() => drachtio().connect(all), { code: 'DRT_ERR_INVALID_OPTION', message: new RegExp(`'${name}'`) });
  };
  wrong({ secret: undefined }, 'secret');
  wrong({ secret: 'a|b' }, 'secret');
  wrong({ secret: 'a\r\nb' }, 'secret');
  wrong({ host: '' }, 'host');
  wrong({ port: 0 }, 'port');
  wrong({ port: 65_536 }, 'port');
  wrong({ tls: 'yes' }, 'tls');
  wrong({ tags: [1] }, 'tags');
  wrong({ methods: 'invite' }, 'methods');
  wrong({ methods: ['a|b'] }, 'methods');
  wrong({ enablePing: 1 }, 'enablePing');
  wrong({ reconnect: { maxAttempts: 0 } }, 'reconnect.maxAttempts');
  wrong({ contact: 'sip:*' }, 'contact');
  wrong({ engine: {} }, 'engine');
  const wrongListen = (options, name) => {
    assert.throws(() => drachtio().listen({ secret: 'cymru', ...options }), { code: 'DRT_ERR_INVALID_OPTION', message: new RegExp(`'${name}'`) });
  };
  wrongListen({ secret: 1 }, 'secret');
  wrongListen({ port: -1 }, 'port');
  wrongListen({ server: {} }, 'server');
  wrongListen({ engine: {} }, 'engine');
});

test('an option that is not known is a warning: applications give their whole configuration', async () => {
  const warned = [];
  const note = (warning) => warned.push(warning.code, warning.message);
  process.on('warning', note);
  const options = { port: 9022, secret: 's', address: '10.0.0.1', logLevel: undefined, reconnect: { attempts: 1 } };
  assert.equal(readServerOptions(options).host, 'localhost');
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', note);
  assert.deepEqual(warned, [
    'DRT_WARN_UNKNOWN_OPTION', "connect: unknown option 'address'",
    'DRT_WARN_UNKNOWN_OPTION', "connect: unknown option 'attempts'",
  ]);
});

test('options of drachtio 1.x have the effect of those that took their place', () => {
  const options = { host: 'h', secret: 's', max_attempts: 3, retry_max_delay: 1000 };
  assert.deepEqual(readServerOptions(options).reconnect, { maxAttempts: 3, retryMaxDelay: 1000 });
  assert.deepEqual(readServerOptions({ ...options, reconnect: { maxAttempts: 5 } }).reconnect, { maxAttempts: 5, retryMaxDelay: 1000 });
  assert.equal(options.max_attempts, 3);
});

test('tags are checked with the texts that applications know', () => {
  const wrong = (tags, message) => assert.throws(() => drachtio().connect({ port: 9022, secret: 's', tags }), { name: 'AssertionError', message });
  wrong(Array.from({ length: 21 }, (_, i) => `t${i}`), 'Srf#constructor: only 20 tags may be supplied');
  wrong(['x'.repeat(33)], 'Srf#constructor: tag values must be 32 characters or less');
  wrong(['a b'], 'Srf#constructor: tag values may only contain characters a-zA-Z0-9-_+@:');
});

test('an application is connected once at a time', async (t) => {
  const { app } = await connected(t);
  assert.throws(() => app.connect({ port: 1, secret: 's' }), { code: 'DRT_ERR_ALREADY_CONNECTED' });
  assert.throws(() => app.connect(), { code: 'DRT_ERR_ALREADY_CONNECTED' });
});

test('the logger gets what is said, and not the secret', async (t) => {
  const lines = [];
  const { app, peer } = await connected(t, (app) => app.options((req, res) => res.send(200)), { connect: { logger: (text) => lines.push(text) } });
  await peer.next('route');
  peer.deliver(request('OPTIONS'));
  await peer.next('sip');
  assert.ok(lines.some((text) => text.startsWith('<===') && text.includes('OPTIONS sip:bob')));
  assert.ok(lines.some((text) => text.startsWith('===>') && text.includes('SIP/2.0 200 OK')));
  assert.ok(!lines.join('').includes('cymru'));
  assert.ok(!JSON.stringify(app.client.get('hostport')).includes('cymru'));
});

test('what a request shows of itself has no secret in it', async (t) => {
  const { app, peer } = await connected(t);
  const arrived = new Promise((resolve) => {
    app.options((req) => resolve(req));
  });
  await peer.next('route');
  peer.deliver(request('OPTIONS'));
  const req = await arrived;
  assert.ok(!JSON.stringify(req).includes('cymru'));
  assert.ok(!require('node:util').inspect(req, { depth: 9 }).includes('cymru'));
});

test('certificates of SIP are not this process\'s to reload, and who gets new requests not its to say', async (t) => {
  const { app } = await connected(t);
  await assert.rejects(app.reloadTls(), { code: 'DRT_ERR_NOT_EMBEDDED' });
  await assert.rejects(app.drain(), { code: 'DRT_ERR_NOT_EMBEDDED' });
  assert.deepEqual(app.client.census(), {});
  assert.deepEqual(app.client.counters(), {});
  await Promise.all([once(app, 'close'), app.disconnect()]);
});
