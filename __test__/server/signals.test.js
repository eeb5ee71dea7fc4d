'use strict';
// npx drachtio serve: signals, the background, and what reloading changes.

const test = require('node:test');
const assert = require('node:assert/strict');
const { writeFileSync } = require('node:fs');
const { setTimeout: wait } = require('node:timers/promises');
const { connect } = require('./support');
const { file } = require('./support/configuration');
const { drachtio, serve } = require('./support/process');
const { peer } = require('./support/sip');

const TIME = { timeout: 60_000 };

const configuration = (secret, more = '') => `<drachtio>\n<admin port="0" secret="${secret}">127.0.0.1</admin>\n${more}\n</drachtio>\n`;
const spammers = (value) => `<sip><spammers action="reject"><header name="User-Agent"><value>${value}</value></header></spammers></sip>`;

/** What a REGISTER with this User-Agent is answered. */
function answered(caller, server, agent) {
  caller.send(server.sip, 'REGISTER', [`User-Agent: ${agent}`]);
  return caller.answer();
}

test('options without a command serve, as a unit or container of drachtio-server has them', TIME, async (t) => {
  const path = file('unit.xml', configuration('cymru'));
  const server = drachtio(['-f', path, '--contact', 'sip:127.0.0.1:0;transport=udp']);
  t.after(() => server.child.kill('SIGKILL'));
  await server.says(/^SIP on udp\/127/m);
  server.child.kill('SIGTERM');
  assert.equal((await server.ended).code, 0);
});

test('SIGHUP takes rules into use, and a wrong file changes nothing', TIME, async (t) => {
  const path = file('hup.xml', configuration('cymru', spammers('one')));
  const server = await serve(t, ['-f', path]);
  const caller = await peer(t);
  // Nobody takes requests here: what is not turned away is answered 503.
  assert.deepEqual([await answered(caller, server, 'one'), await answered(caller, server, 'two')], [603, 503]);

  writeFileSync(path, configuration('cymru', spammers('two')));
  server.child.kill('SIGHUP');
  await server.says(/reload: the configuration is in force/);
  assert.deepEqual([await answered(caller, server, 'one'), await answered(caller, server, 'two')], [503, 603]);

  writeFileSync(path, configuration('cymru', '<sip><timers t1="x"/></sip>'));
  server.child.kill('SIGHUP');
  await server.says(/hup.xml:3: error: 'sip\/timers\/t1' must be a whole number/);
  await server.says(/reload: nothing has changed/);
  assert.deepEqual([await answered(caller, server, 'one'), await answered(caller, server, 'two')], [503, 603]);

  writeFileSync(path, configuration('cymru', `${spammers('two')}<sip><timers t1="400"/></sip>`));
  server.child.kill('SIGHUP');
  await server.says(/reload: 'engine.timers' changes with a restart only/);
});

test('SIGHUP changes the secret and the level of the log', TIME, async (t) => {
  const path = file('level.xml', configuration('one', '<logging><loglevel>error</loglevel></logging>').replace('port="0"', ''));
  const server = await serve(t, ['-f', path, '--port', String(await freePort())]);
  const [, port] = await server.says(/applications on tcp\/127.0.0.1:(\d+)/);
  const caller = await peer(t);
  await answered(caller, server, 'x');
  assert.ok(!server.printed.err.includes('recv '));
  writeFileSync(path, configuration('two', '<logging><loglevel>info</loglevel></logging>'));
  server.child.kill('SIGHUP');
  await server.says(/reload: the configuration is in force/);
  await connect(t, Number(port), 'drachtio-srf', { secret: 'two' });
  await answered(caller, server, 'x');
  await server.says(/recv \d+ bytes from udp/);
});

test('SIGTERM ends a server that has no calls, with 0', TIME, async (t) => {
  const server = await serve(t, ['-f', file('term.xml', configuration('cymru'))]);
  server.child.kill('SIGTERM');
  assert.equal((await server.ended).code, 0);
});

test('SIGTERM lets a call go on and takes no new one; the second ends at once', TIME, async (t) => {
  const path = file('drain.xml', configuration('cymru').replace('port="0"', ''));
  const metrics = await freePort();
  const server = await serve(t, ['-f', path, '--port', String(await freePort()), '--prometheus-scrape-port', `127.0.0.1:${metrics}`]);
  const [, port] = await server.says(/applications on tcp\/127.0.0.1:(\d+)/);
  const srf = await connect(t, Number(port), 'drachtio-srf', { secret: 'cymru' });
  srf.invite((req, res) => res.send(180));
  const caller = await peer(t);
  const ready = async () => (await fetch(`http://127.0.0.1:${metrics}/readyz`)).status;
  // The route is there when an INVITE rings.
  while (!caller.heard.some((text) => text.startsWith('SIP/2.0 180'))) {
    caller.send(server.sip, 'INVITE');
    await wait(50);
  }
  assert.equal(await ready(), 200);
  server.child.kill('SIGTERM');
  await server.says(/the server ends: no new requests are taken/);
  assert.equal(await ready(), 503);
  caller.heard.length = 0;
  caller.send(server.sip, 'OPTIONS');
  assert.equal(await caller.answer(), 503);
  assert.equal(server.child.exitCode, null);
  server.child.kill('SIGTERM');
  assert.equal((await server.ended).code, 0);
});

test('in the background its process id is printed once it listens', TIME, async () => {
  const path = file('daemon.xml', configuration('cymru'));
  const { code, out, err } = await drachtio(['serve', '-f', path, '--contact', 'sip:127.0.0.1:0', '--daemon']).ended;
  assert.deepEqual([code, err], [0, '']);
  const pid = Number(out);
  process.kill(pid, 'SIGTERM');
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await wait(20);
  }
});

test('started by root it gives up the rights of root', { ...TIME, skip: process.getuid?.() !== 0 && 'not root' }, async (t) => {
  const { readFileSync } = require('node:fs');
  const server = await serve(t, ['-f', file('user.xml', configuration('cymru')), '--user', 'nobody']);
  const status = readFileSync(`/proc/${server.child.pid}/status`, 'utf8');
  const ids = (name) => new Set(new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(status)[1].trim().split(/\s+/));
  assert.ok(!ids('Uid').has('0') && !ids('Gid').has('0') && !ids('Groups').has('0'));
});

test('a user that is not there is said, and nothing is started', TIME, async () => {
  const { code, out, err } = await drachtio(['serve', '-f', file('nobody.xml', configuration('cymru')), '--user', 'no-such-user']).ended;
  assert.deepEqual([code, out, err], [1, '', "drachtio serve: there is no user 'no-such-user'\n"]);
});

test('in the background what keeps it from starting is printed too', TIME, async () => {
  const { code, err } = await drachtio(['serve', '--contact', 'sip:192.0.2.1:5060', '--port', '0', '--daemon']).ended;
  assert.equal(code, 1);
  assert.match(err, /drachtio serve: cannot listen on/);
});

test('check says what is wrong, and whether the server would start', TIME, async () => {
  const good = await drachtio(['check', '-f', file('good.xml', configuration('cymru', '<sip><frob/></sip>'))]).ended;
  assert.equal(good.code, 0);
  assert.match(good.out, /good.xml:3: warning: 'sip\/frob' is not known, and has no effect\n.*good.xml: ok\n$/);
  const bad = await drachtio(['check', '-f', file('bad.xml', '<drachtio>\n<admin port="x"/></drachtio>')]).ended;
  assert.equal(bad.code, 1);
  assert.match(bad.out, /bad.xml:2: error: 'admin\/port' must be a whole number from 0 to 65535\n$/);
});

test('serve does not start with a wrong configuration', TIME, async () => {
  const { code, err } = await drachtio(['serve', '--port', 'x']).ended;
  assert.equal(code, 1);
  assert.match(err, /^--port: error: /);
});

/** A port of TCP that is free. */
async function freePort() {
  const { createServer } = require('node:net');
  const { once } = require('node:events');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
