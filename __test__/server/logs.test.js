'use strict';
// Logs: lines as drachtio-server writes them, JSON, syslog, and no secrets in them.

const test = require('node:test');
const assert = require('node:assert/strict');
const { createSocket } = require('node:dgram');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const drachtio = require('../..');
const { RawApplication } = require('./raw_application');
const { SECRET, startServer } = require('./support');
const { DIRECTORY } = require('./support/configuration');
const { observed } = require('./support/observed');
const { peer } = require('./support/sip');

const TIME = { timeout: 30_000 };

test('a message is logged with where it came from or went to, as filters expect it', TIME, async (t) => {
  const path = join(DIRECTORY, 'text.log');
  const { app, sip } = await observed(t, { log: { file: { path } } });
  const caller = await peer(t);
  caller.send(sip, 'OPTIONS', ['Authorization: Digest username="alice", response="0123456789abcdef"']);
  await caller.answer();
  await app.disconnect();
  const log = readFileSync(path, 'utf8');
  const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}`;
  const at = String.raw`at \d\d:\d\d:\d\d\.\d{6}:`;
  assert.match(log, new RegExp(`^${time} recv \\d+ bytes from udp/\\[127\\.0\\.0\\.1\\]:${caller.port} ${at}\nOPTIONS sip:bob@`, 'm'));
  assert.match(log, new RegExp(`^${time} send \\d+ bytes to udp/\\[127\\.0\\.0\\.1\\]:${caller.port} ${at}\nSIP/2\\.0 200 OK`, 'm'));
  assert.match(log, /^Authorization: \(left out\)\r$/m);
  assert.ok(!log.includes('0123456789abcdef'));
});

test('JSON has an object in each line', TIME, async (t) => {
  const path = join(DIRECTORY, 'json.log');
  const { app, sip } = await observed(t, { log: { format: 'json', file: { path } } });
  const caller = await peer(t);
  caller.send(sip, 'OPTIONS');
  await caller.answer();
  await app.disconnect();
  const lines = readFileSync(path, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const received = lines.find(({ event }) => event === 'recv');
  assert.deepEqual([received.level, received.transport, received.address, received.port], ['info', 'udp', '127.0.0.1', caller.port]);
  assert.ok(received.message.startsWith('OPTIONS sip:') && received.bytes === received.message.length);
  assert.ok(lines.some(({ message }) => message.startsWith('listening on udp/')));
});

test('below the level nothing is logged but notices, and messages can be left out', TIME, async (t) => {
  const screening = { spammers: [{ header: 'User-Agent', contains: ['sipcli'] }] };
  for (const log of [{ level: 'notice' }, { level: 'info', messages: false }]) {
    const path = join(DIRECTORY, `${log.level}.log`);
    const server = await drachtio.serve({
      contact: 'sip:127.0.0.1:0',
      admin: { host: '127.0.0.1', port: false },
      engine: { screening },
      observe: { log: { ...log, file: { path } } },
    });
    const caller = await peer(t);
    caller.send(server.hostports[0].split('/')[1], 'REGISTER', ['User-Agent: sipcli/v1.8']);
    assert.equal(await caller.answer(), 603);
    await server.close();
    const lines = readFileSync(path, 'utf8');
    assert.match(lines, new RegExp(`detected potential spammer from 127\\.0\\.0\\.1:${caller.port} due to header value: sipcli/v1\\.8\n`));
    assert.ok(!lines.includes('recv '));
    assert.equal(lines.includes('listening on'), log.level === 'info');
  }
});

test('what happens on the connections of applications is logged, and no secret', TIME, async (t) => {
  const path = join(DIRECTORY, 'applications.log');
  const { server, port } = await startServer(t, { observe: { log: { file: { path } } } });
  const member = await RawApplication.join(t, port, { tags: 'blue' });
  const stranger = await RawApplication.open(t, port);
  const babbler = await RawApplication.open(t, port);
  const [one, two, three] = [member, stranger, babbler].map(({ socket }) => `peer="127\\.0\\.0\\.1:${socket.localPort}"`);
  const lines = [
    `an application has connected ${one} tags=\\["blue"\\]`,
    `an application is turned away ${two} fault=incorrect secret`,
    `an application does not speak the protocol ${three} error=a frame does not begin with its length`,
    `an application has gone ${one}`,
  ].map((text) => new RegExp(`^\\d{4}.* ${text}$`, 'm'));
  stranger.say('1|authenticate|Wr0ng');
  babbler.socket.write('GET / HTTP/1.1\r\n\r\n');
  await Promise.all([stranger.ended(), babbler.ended()]);
  member.socket.destroy();
  while (!lines.every((line) => line.test(readFileSync(path, 'utf8')))) await new Promise((resolve) => setTimeout(resolve, 20));
  await server.close();
  const log = readFileSync(path, 'utf8');
  for (const secret of [SECRET, 'Wr0ng']) assert.ok(!log.includes(secret));
});

test('a request that could not be routed is logged with the reason', TIME, async (t) => {
  const path = join(DIRECTORY, 'unrouted.log');
  const { server, address } = await startServer(t, {
    requestHandlers: [{ method: 'INVITE', url: 'http://127.0.0.1:1/calls?key=0123456789abcdef' }],
    observe: { log: { level: 'warning', file: { path } } },
  });
  const caller = await peer(t);
  caller.send(address, 'INVITE');
  assert.equal(await caller.answer(), 500);
  await server.close();
  const log = readFileSync(path, 'utf8');
  assert.match(log, /^\d{4}.* INVITE from 127\.0\.0\.1 could not be routed: http:\/\/127\.0\.0\.1:1\/calls\/: connect ECONNREFUSED/m);
  assert.ok(!log.includes('0123456789abcdef'));
});

test('only what goes wrong with applications is logged at level warning', TIME, async (t) => {
  const path = join(DIRECTORY, 'warnings.log');
  const { server, port } = await startServer(t, { observe: { log: { level: 'warning', format: 'json', file: { path } } } });
  await RawApplication.join(t, port);
  const silent = await RawApplication.open(t, port);
  silent.say('1|ping');
  assert.equal(await silent.reply('1'), 'NO|not authenticated');
  const logged = () => readFileSync(path, 'utf8').trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
  while (logged().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await server.close();
  const [{ level, message }, ...more] = logged();
  assert.deepEqual([level, more.length], ['warning', 0]);
  assert.match(message, /^an application is turned away peer=.* fault=not authenticated$/);
});

test('syslog gets lines with their priority', TIME, async (t) => {
  const collector = createSocket('udp4');
  collector.bind(0, '127.0.0.1');
  await once(collector, 'listening');
  t.after(() => collector.close());
  const lines = once(collector, 'message');
  await observed(t, { log: { syslog: { address: `127.0.0.1:${collector.address().port}`, facility: 'local3' } } });
  const [line] = await lines;
  // local3 is 19, information is 6.
  assert.match(line.toString(), /^<158>1 \d{4}-\d\d-\d\dT[\d:.]+Z - drachtio \d+ - - listening on udp/);
});
