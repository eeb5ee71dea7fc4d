'use strict';
// A client of a server of this package: what only such a server tells, names with a bar in them, and a server that comes back.

const test = require('node:test');
const assert = require('node:assert/strict');
const dgram = require('node:dgram');
const { once } = require('node:events');
const { told, drachtio } = require('../support/client');
const { RawApplication } = require('../server/raw_application');
const { startServer, SECRET } = require('../server/support');

async function client(t, port, prepare = () => {}, options = {}) {
  const app = drachtio();
  t.after(() => app.disconnect());
  prepare(app);
  app.connect({ host: '127.0.0.1', port, secret: SECRET, ...options });
  await once(app, 'connect');
  return app;
}

/** A telephone that is a bare socket. */
async function telephone(t, address) {
  const [host, port] = address.split(':');
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  t.after(() => socket.close());
  await once(socket, 'listening');
  const own = socket.address().port;
  let count = 0;
  const said = (method, callId, tag = '') => [
    `${method} sip:app@${address} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${own};branch=z9hG4bK${own}-${++count}`,
    'Max-Forwards: 70',
    'From: <sip:me@127.0.0.1>;tag=me',
    `To: <sip:app@${address}>${tag && `;tag=${tag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${method === 'ACK' ? 1 : count} ${method}`,
    `Contact: <sip:me@127.0.0.1:${own}>`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
  const texts = [];
  let wake = () => {};
  socket.on('message', (data) => {
    texts.push(data.toString());
    wake();
  });
  return {
    send: (text) => socket.send(text, Number(port), host),
    said,
    /** The next message that begins so. */
    async hear(start) {
      for (;;) {
        const at = texts.findIndex((text) => text.startsWith(start));
        if (at !== -1) return texts.splice(at, 1)[0];
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

test('a Call-ID with bars in it is a name like any other', async (t) => {
  const { port, address } = await startServer(t);
  const dialogs = [];
  const app = await client(t, port, (app) => {
    app.invite((req, res) => res.send(200, {}, undefined, (ack) => {
      dialogs.push(res.stackDialogId, ack.stackDialogId);
      app.request({ method: 'INFO', stackDialogId: res.stackDialogId });
    }));
    app.bye((req, res) => {
      dialogs.push(req.stackDialogId);
      res.send(200);
    });
  });
  const phone = await telephone(t, address);
  const callId = 'a|b%7Cc|@127.0.0.1';
  phone.send(phone.said('INVITE', callId));
  const ok = await phone.hear('SIP/2.0 200');
  const tag = /^To:.*;tag=(\S+)/im.exec(ok)[1];
  phone.send(phone.said('ACK', callId, tag));
  const info = await phone.hear('INFO ');
  assert.ok(info.includes(`Call-ID: ${callId}\r\n`), info);
  phone.send(`SIP/2.0 200 OK\r\n${info.split('\r\n').filter((line) => /^(via|from|to|call-id|cseq):/i.test(line)).join('\r\n')}\r\nContent-Length: 0\r\n\r\n`);
  phone.send(phone.said('BYE', callId, tag));
  await phone.hear('SIP/2.0 200');
  assert.deepEqual([...new Set(dialogs)], ['a%7Cb%257Cc%7C@127.0.0.1;from-tag=me']);
  assert.equal(app.idle, true);
});

test('an application that stays silent is told what was answered in its place; one that has not asked is not', async (t) => {
  const { port, address } = await startServer(t, { engine: { timers: { application: 100 } } });
  const raw = await RawApplication.join(t, port, { routes: ['message'] });
  const app = await client(t, port);
  const refused = new Promise((resolve) => {
    app.options((req) => req.on('refused', resolve));
  });
  await app.request({ method: 'INFO', stackDialogId: 'none' }).catch(() => {});
  const phone = await telephone(t, address);
  phone.send(phone.said('OPTIONS', 'one'));
  const err = await refused;
  assert.equal(err.code, 'DRT_ERR_NOT_ANSWERED');
  await phone.hear(`SIP/2.0 ${err.status}`);

  phone.send(phone.said('MESSAGE', 'two'));
  await raw.hear((text) => text.startsWith('sip|network'));
  await phone.hear('SIP/2.0 5');
  raw.say('p|ping');
  assert.equal(await raw.hear(), 'response|p|OK|pong');
});

test('a server that is restarted gets its applications back, with all they want', async (t) => {
  const first = await startServer(t);
  const app = await client(t, first.port, (app) => app.options((req, res) => res.send(200)), { reconnect: { retryMaxDelay: 100 } });
  const down = told(app, 'close');
  await first.server.close();
  await down;
  const again = told(app, 'connect');
  const second = await startServer(t, { admin: { port: first.port } });
  await again;
  // The routes are there when what was asked for after them has been answered.
  await app.request({ method: 'INFO', stackDialogId: 'none' }).catch(() => {});
  const phone = await telephone(t, second.address);
  phone.send(phone.said('OPTIONS', 'one'));
  await phone.hear('SIP/2.0 200');
});

test('pings are answered, and a wrong secret is refused', async (t) => {
  const { port } = await startServer(t);
  const app = drachtio();
  const err = await new Promise((resolve) => {
    app.connect({ host: '127.0.0.1', port, secret: 'wrong' }, resolve);
  });
  assert.equal(err?.message, 'failed to authenticate to server');
  t.mock.timers.enable({ apis: ['setInterval'] });
  const pinging = await client(t, port, undefined, { enablePing: true });
  let isClosed = false;
  pinging.on('close', () => {
    isClosed = true;
  });
  for (let i = 0; i < 3; i++) {
    t.mock.timers.tick(15_000);
    await pinging.request({ method: 'INFO', stackDialogId: 'none' }).catch(() => {});
  }
  assert.equal(isClosed, false);
});
