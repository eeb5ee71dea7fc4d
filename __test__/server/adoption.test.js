'use strict';
// drachtio-server §1.8: an application goes away; its calls end, or wait for one with the same tags.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const { SDP, connect, deferred, eachVersion, leave, settled, startServer, station } = require('./support');
const { RawApplication } = require('./raw_application');

/** A server whose application has a call from a caller. */
async function withCall(t, version, { tags, adopt = 0 }) {
  const started = await startServer(t, { admin: { adopt } });
  const answered = deferred();
  const app = await connect(t, started.port, version, {
    tags,
    handlers: { invite: async (req, res) => answered.resolve(await app.createUAS(req, res, { localSdp: SDP })) },
  });
  const caller = await station(t);
  const uac = await caller.srf.createUAC(`sip:bob@${started.address}`, { localSdp: SDP });
  const uas = await answered.promise;
  return { ...started, app, caller, uac, uas };
}

eachVersion('its calls are hung up when it goes', async (t, version) => {
  const { app, uac, server } = await withCall(t, version, { tags: ['one'] });
  const destroyed = once(uac, 'destroy');
  leave(app);
  const [bye] = await destroyed;
  assert.match(bye.get('Reason'), /application has gone/);
  await settled(server);
});

eachVersion('one that comes with the same tags takes its calls over, and what has waited in them', async (t, version) => {
  const { app, uac, uas, server, port } = await withCall(t, version, { tags: ['one', 'two'], adopt: 20_000 });
  const dialogId = uas.id;
  leave(app);
  while (server.census().departed === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  const info = uac.request({ method: 'INFO', headers: { 'X-Waits': 'yes' } });
  // Somebody else is not the heir.
  const other = await RawApplication.join(t, port, { tags: 'one' });
  assert.equal(server.census().departed, 1);
  const heir = await RawApplication.join(t, port, { tags: 'two,one' });
  assert.equal(server.census().departed, 0);
  const waiting = await heir.hear((text) => text.includes('INFO sip:'));
  const tokens = waiting.slice(0, waiting.indexOf('\r\n')).split('|');
  assert.equal(tokens[8], dialogId);
  heir.say(`1|sip|${tokens[7]}|\r\nSIP/2.0 200 OK\r\n\r\n`);
  assert.equal((await info).status, 200);
  const destroyed = once(uac, 'destroy');
  heir.say(`2|sip||${dialogId}\r\nBYE sip:placeholder SIP/2.0\r\n\r\n`);
  await destroyed;
  assert.match(await heir.reply('2'), /^OK/);
  await settled(server);
  assert.equal(other.closed, false);
});

eachVersion('who takes calls over is told of those that have ended meanwhile', async (t, version) => {
  const { app, uac, uas, server, port } = await withCall(t, version, { tags: ['one'], adopt: 20_000 });
  leave(app);
  while (server.census().departed === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  // Who hangs up does not wait.
  const { status } = await uac.request({ method: 'BYE' });
  assert.equal(status, 200);
  const heir = await RawApplication.join(t, port, { tags: 'one' });
  const told = await heir.hear((text) => text.includes('BYE sip:'));
  const tokens = told.slice(0, told.indexOf('\r\n')).split('|');
  assert.deepEqual([tokens[7], tokens[8]], ['unsolicited', uas.id]);
  await settled(server);
});

test('what nobody takes over is ended in time', async (t) => {
  const { app, uac, server } = await withCall(t, 'drachtio-srf', { tags: ['one'], adopt: 200 });
  const destroyed = once(uac, 'destroy');
  leave(app);
  await destroyed;
  assert.equal(server.census().departed, 0);
  await settled(server);
});

test('an application without tags leaves nothing behind', async (t) => {
  const { app, uac, server } = await withCall(t, 'drachtio-srf', { adopt: 20_000 });
  const destroyed = once(uac, 'destroy');
  leave(app);
  await destroyed;
  await settled(server);
});

test('a request without any answer goes to another application when the first one goes', async (t) => {
  const { port, address, server } = await startServer(t);
  const first = await RawApplication.join(t, port, { routes: ['invite'] });
  await connect(t, port, 'drachtio-srf', { handlers: { invite: (req, res) => res.send(486, 'Second') } });
  const caller = await station(t);
  const call = caller.srf.createUAC(`sip:bob@${address}`, { localSdp: SDP });
  await first.hear((text) => text.includes('INVITE sip:'));
  first.socket.destroy();
  await assert.rejects(call, { status: 486, reason: 'Second' });
  await settled(server);
});

test('one that rings is answered 503, and so is one for which there is nobody else', async (t) => {
  for (const rings of [true, false]) {
    const { port, address, server } = await startServer(t);
    const first = await RawApplication.join(t, port, { routes: ['invite'] });
    const caller = await station(t);
    const call = caller.srf.createUAC(`sip:bob@${address}`, { localSdp: SDP });
    const invite = await first.hear((text) => text.includes('INVITE sip:'));
    if (rings) {
      first.say(`1|sip|${invite.split('|')[7]}|\r\nSIP/2.0 180 Ringing\r\n\r\n`);
      await first.reply('1');
    }
    first.socket.destroy();
    await assert.rejects(call, { status: 503 });
    await settled(server);
  }
});
