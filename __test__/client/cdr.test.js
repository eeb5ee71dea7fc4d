'use strict';
// Call detail records of a drachtio-server.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, told } = require('../support/client');
const { request, response } = require('../support/fake_drachtio_server');

const TIME = '18:02:49.715381';

test('every record reaches every listener with what belongs to it', async (t) => {
  const heard = [];
  const { app, peer } = await connected(t, (app) => {
    app.on('cdr:attempt', (...args) => heard.push(['attempt', ...args]));
    app.on('cdr:start', (...args) => heard.push(['start', ...args]));
    app.on('cdr:stop', (...args) => heard.push(['stop', ...args]));
    app.on('cdr:stop', (...args) => heard.push(['again', ...args]));
  });
  const last = new Promise((resolve) => {
    app.once('cdr:stop', resolve);
  });
  peer.record('cdr:attempt', ['network', TIME], request('INVITE'));
  peer.record('cdr:start', ['application', TIME, 'uas'], response(200, 'OK'));
  peer.record('cdr:stop', ['network', TIME, 'normal-release'], request('BYE'));
  await last;
  const told = heard.map(([name, ...args]) => [name, ...args.slice(0, -1), args.at(-1).method ?? args.at(-1).status]);
  assert.deepEqual(told, [
    ['attempt', 'network', TIME, 'INVITE'],
    ['start', 'application', TIME, 'uas', 200],
    ['stop', 'network', TIME, 'normal-release', 'BYE'],
    ['again', 'network', TIME, 'normal-release', 'BYE'],
  ]);
  assert.equal(heard[0].at(-1).getParsedHeader('from').params.tag, 'a1');
});

test('records are asked for once, before or after connect, and again after a reconnect', async (t) => {
  const { app, server, peer } = await connected(t, (app) => {
    app.on('cdr:start', () => {});
    app.once('cdr:start', () => {});
  });
  app.addListener('cdr:stop', () => {});
  app.client.on('cdr:stop', () => {});
  app.on('cdr:attempt', () => {});
  const asked = async (where) => {
    app.request('sip:a@b', { method: 'OPTIONS' }).catch(() => {});
    await where.next('sip');
    return where.said.filter(({ type }) => type === 'route').map(({ tokens }) => tokens[0]);
  };
  assert.deepEqual(await asked(peer), ['cdr:start', 'cdr:stop', 'cdr:attempt']);
  peer.socket.destroy();
  const [second] = await Promise.all([server.peer(), told(app, 'connect')]);
  assert.deepEqual(await asked(second), ['cdr:start', 'cdr:stop', 'cdr:attempt']);
});

test('who listens for connections that end asks a server for that, too', async (t) => {
  const { app, server, peer } = await connected(t, (app) => app.on('connection:closed', () => {}));
  assert.equal((await peer.next('route')).line, 'route|connection:closed');
  const heard = told(app, 'connection:closed');
  peer.send('id|connection:closed|tcp|10.0.0.9|5060\r\ncontact sip:a@b\r\ndialog d;from-tag=1\r\nrequest T1');
  assert.deepEqual(await heard, [
    { protocol: 'tcp', source_address: '10.0.0.9', source_port: 5060, registrations: ['sip:a@b'], dialogs: ['d;from-tag=1'], requests: ['T1'] },
  ]);
  peer.socket.destroy();
  const [second] = await Promise.all([server.peer(), told(app, 'connect')]);
  assert.equal((await second.next('route')).line, 'route|connection:closed');
});

test('a server of this package is asked to tell what it has answered itself, and no other is', async (t) => {
  const { app, peer } = await connected(t, undefined, { server: { version: 'v0.9.10+drachtio.4.2.0' } });
  assert.equal((await peer.next('route')).line, 'route|request:answered');
  const arrived = new Promise((resolve) => {
    app.options((req, res) => resolve({ req, res }));
  });
  await peer.next('route');
  peer.deliver(request('OPTIONS'), { txn: 'T1' });
  const { req, res } = await arrived;
  const refused = new Promise((resolve) => {
    req.on('refused', resolve);
  });
  peer.send('id|request:answered|T1|480|DRT_ERR_NOT_ANSWERED|the application did not answer in time');
  const err = await refused;
  assert.deepEqual([err.status, err.code, err.message], [480, 'DRT_ERR_NOT_ANSWERED', 'the application did not answer in time']);
  assert.equal(res.finalResponseSent, true);
});

test('who listens for no records asks for none', async (t) => {
  const { app, peer } = await connected(t, (app) => app.on('close', () => {}));
  app.request('sip:a@b', { method: 'OPTIONS' }).catch(() => {});
  await peer.next('sip');
  assert.deepEqual(peer.said.map(({ type }) => type), ['authenticate', 'sip']);
});
