'use strict';
// Dialogs on the running engine: session timers, REFER outside a call, Replaces (docs/dialogs.md).

const assert = require('node:assert/strict');
const dgram = require('node:dgram');
const { once } = require('node:events');
const test = require('node:test');
const drachtio = require('../..');
const { freePort, until } = require('./app');
const { request } = require('./wire');

/** An application with these options, and a peer that sees whole messages. */
async function withPeer(t, engine, configure) {
  const port = await freePort();
  const app = drachtio();
  configure(app);
  app.connect({ contact: `sip:127.0.0.1:${port};transport=udp`, engine });
  const [err] = await once(app, 'connect');
  assert.equal(err ?? null, null);
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(async () => {
    socket.close();
    await app.disconnect();
  });
  const heard = [];
  const waiting = [];
  socket.on('message', (bytes) => {
    heard.push(bytes.toString());
    for (const look of waiting.splice(0)) look();
  });
  /** The next message whose first line begins or ends so. */
  const hear = async (what) => {
    for (;;) {
      const at = heard.findIndex((text) => text.startsWith(what) || text.startsWith(`SIP/2.0 ${what}`));
      if (at >= 0) return heard.splice(at, 1)[0];
      await new Promise((resolve) => waiting.push(resolve));
    }
  };
  const contact = `<sip:peer@127.0.0.1:${socket.address().port}>`;
  const say = (text) => socket.send(text, port, '127.0.0.1');
  return { app, say, hear, contact };
}

const header = (text, name) => new RegExp(`^${name}: (.*)$`, 'mi').exec(text)?.[1].trim();

/** The ACK to a 2xx. */
function ackOf(ok) {
  return request({
    method: 'ACK',
    headers: { From: header(ok, 'From'), To: header(ok, 'To'), 'Call-ID': header(ok, 'Call-ID'), CSeq: header(ok, 'CSeq').replace('INVITE', 'ACK') },
  });
}

test('session timers: too small an interval is refused, and one is offered', { timeout: 20_000 }, async (t) => {
  let calls = 0;
  const { say, hear, contact } = await withPeer(t, { sessionTimers: { minSE: 120, expires: 600, refresher: 'uas' } }, (app) => {
    app.invite((req, res) => {
      calls += 1;
      res.send(200);
    });
  });
  say(request({ method: 'INVITE', headers: { Contact: contact, Supported: 'timer', 'Session-Expires': '100' } }));
  assert.equal(header(await hear('422'), 'Min-SE'), '120');
  assert.equal(calls, 0);
  say(request({ method: 'INVITE', headers: { Contact: contact, Supported: 'timer' } }));
  const ok = await hear('200');
  assert.equal(header(ok, 'Session-Expires'), '600;refresher=uas');
  assert.equal(calls, 1);
  say(ackOf(ok));
});

test('a REFER outside a call is answered, and how it goes is notified', { timeout: 20_000 }, async (t) => {
  const { say, hear, contact } = await withPeer(t, {}, (app) => {
    app.refer((req, res) => {
      res.send(202, (err) => {
        assert.equal(err, null);
        const headers = { Event: 'refer', 'Subscription-State': 'terminated;reason=noresource', 'Content-Type': 'message/sipfrag' };
        app.request({ stackDialogId: res.stackDialogId, method: 'NOTIFY', headers, body: 'SIP/2.0 200 OK' }, () => {});
      });
    });
  });
  say(request({ method: 'REFER', headers: { Contact: contact, 'Refer-To': '<sip:carol@127.0.0.1>' } }));
  const accepted = await hear('202');
  const notify = await hear('NOTIFY');
  assert.equal(header(notify, 'Call-ID'), header(accepted, 'Call-ID'));
  assert.equal(header(notify, 'From'), header(accepted, 'To'));
  const copied = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${header(notify, name)}\r\n`);
  say(`SIP/2.0 200 OK\r\n${copied.join('')}Content-Length: 0\r\n\r\n`);
});

test('an INVITE that replaces a call names it, and one that names none is not accepted', { timeout: 20_000 }, async (t) => {
  const seen = [];
  const errors = [];
  const { say, hear, contact } = await withPeer(t, {}, (app) => {
    app.invite((req, res) => {
      res.send(200, (err) => {
        if (err) errors.push(err.code);
        else seen.push({ replaces: req.replaces, dialog: res.stackDialogId });
      });
    });
  });
  say(request({ method: 'INVITE', headers: { Contact: contact } }));
  const first = await hear('200');
  say(ackOf(first));
  const tag = (name) => /tag=([^;\r\n]*)/.exec(header(first, name))[1];
  const replaces = `${header(first, 'Call-ID')};to-tag=${tag('To')};from-tag=${tag('From')}`;
  say(request({ method: 'INVITE', headers: { Contact: contact, Replaces: replaces } }));
  say(ackOf(await hear('200')));
  // What is on the wire may be seen here before the application hears that it has been sent.
  assert.ok(await until(() => seen.length === 2));
  assert.equal(seen[0].replaces, undefined);
  assert.equal(seen[1].replaces, seen[0].dialog);
  assert.notEqual(seen[1].dialog, seen[0].dialog);
  say(request({ method: 'INVITE', headers: { Contact: contact, Replaces: `x${replaces}` } }));
  await hear('481');
  assert.ok(await until(() => errors.length > 0));
  assert.deepEqual(errors, ['DRT_ERR_REPLACES']);
});
