'use strict';
// The options of a server: what is accepted, what is refused, and what is filled in.

const test = require('node:test');
const assert = require('node:assert/strict');
const { readServeOptions } = require('../../lib/serve/options');

const refused = (options, message) => assert.throws(() => readServeOptions(options), { code: 'DRT_ERR_INVALID_OPTION', message });

test('what is left out is filled in', () => {
  assert.deepEqual(readServeOptions({}), {
    contact: [{ uri: 'sip:*;transport=udp,tcp' }],
    engine: {},
    admin: { host: '127.0.0.1', port: 9022, tlsPort: false, secret: 'admin', keepAliveInterval: 45_000, adopt: 0, limits: {} },
    requestHandlers: [],
    blacklist: undefined,
    observe: {},
    logTables: false,
    drain: { deadline: 30_000 },
  });
});

test('without a secret of its own the server shows itself to this host only', () => {
  assert.equal(readServeOptions({}).admin.host, '127.0.0.1');
  assert.equal(readServeOptions({ admin: { secret: 'cymru' } }).admin.host, '0.0.0.0');
  assert.equal(readServeOptions({ admin: { host: '::' } }).admin.host, '::');
});

test('a request handler is for every method unless it names one', () => {
  const { requestHandlers } = readServeOptions({ requestHandlers: [{ url: 'http://a/' }, { url: 'tcp://b:9023', method: 'invite' }] });
  assert.deepEqual(requestHandlers, [
    { url: 'http://a/', method: '*', httpMethod: 'GET', verifyPeer: true },
    { url: 'tcp://b:9023', method: 'INVITE', httpMethod: 'GET', verifyPeer: true },
  ]);
});

test('what is wrong is named in full', () => {
  refused(null, 'serve: the options must be an object');
  refused({ colour: 1 }, /^serve: unknown option 'colour'; known here: contact, /);
  refused({ admin: { tlsPort: 9023 } }, "serve: option 'admin.tlsPort' needs a certificate, 'admin.certificate' or 'engine.tls.certificates'");
  refused({ admin: { port: 70_000 } }, "serve: option 'admin.port' must be a whole number from 0 to 65535, or true or false");
  refused({ engine: { timers: { t1: 1 } } }, /^serve: option 'engine.timers.t1' must be a whole number/);
  refused({ contact: [{}] }, "serve: option 'contact[0].uri' is missing");
  refused({ requestHandlers: [{ url: 'tcp://nowhere' }] }, /^serve: option 'requestHandlers\[0\].url' must be/);
  refused({ requestHandlers: [{ url: 'ftp://a/' }] }, /^serve: option 'requestHandlers\[0\].url' must be/);
  refused({ blacklist: { key: 'b' } }, "serve: option 'blacklist' needs either 'host' or 'sentinels'");
  refused({ blacklist: { key: 'b', sentinels: ['a:1'] } }, "serve: option 'blacklist.master' is missing");
  for (const sentinels of [[], ['a:x'], ['a:1', '::1:26379']]) {
    refused({ blacklist: { key: 'b', master: 'm', sentinels } }, "serve: option 'blacklist.sentinels' must be hosts and ports, as in '10.0.0.1:26379'");
  }
});
