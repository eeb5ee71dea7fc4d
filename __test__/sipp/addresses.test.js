'use strict';
// Which address peers are shown, and clients that are reached only over the connection they opened.

const assert = require('node:assert/strict');
const dgram = require('node:dgram');
const { once } = require('node:events');
const net = require('node:net');
const { test } = require('node:test');
const drachtio = require('../..');
const { freePort, startApp } = require('./app');
const { request } = require('./wire');

/** The value of a header line. */
const valueOf = (message, name) => message.match(new RegExp(`^${name}: (.*)$`, 'm'))?.[1];

/** A response to a request that was received. */
function respond(message, status) {
  const copied = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${valueOf(message, name)}\r\n`);
  return `SIP/2.0 ${status} Answer\r\n${copied.join('')}Content-Length: 0\r\n\r\n`;
}

/** What the next datagram to this address says, when the application sends a request there. */
async function shownTo(app, address) {
  const socket = dgram.createSocket('udp4').bind(0, address);
  await once(socket, 'listening');
  const heard = once(socket, 'message');
  await app.request({ uri: `sip:x@${address}:${socket.address().port}`, method: 'SUBSCRIBE', headers: { Event: 'test' } });
  const [text, from] = await heard;
  socket.send(respond(text.toString(), 403), from.port, from.address);
  socket.close();
  return text.toString();
}

test('peers outside the local net are shown the external address, others the local one', async () => {
  const port = await freePort();
  const app = drachtio();
  const contact = {
    uri: `sip:127.0.0.1:${port};transport=udp`,
    externalIp: '203.0.113.7:15060',
    localNet: ['127.0.0.2/32'],
    dnsNames: ['sip.example.com'],
  };
  app.connect({ contact });
  await once(app, 'connect');
  for (const [address, shown] of [
    ['127.0.0.2', `127.0.0.1:${port}`],
    ['127.0.0.3', '203.0.113.7:15060'],
  ]) {
    const text = await shownTo(app, address);
    assert.match(valueOf(text, 'Via'), new RegExp(`^SIP/2.0/UDP ${shown};`));
    assert.equal(valueOf(text, 'Contact'), `<sip:${shown}>`);
  }
  const toMyself = app.request({ uri: 'sip:x@sip.example.com', method: 'OPTIONS' });
  await assert.rejects(toMyself, { code: 'DRT_ERR_SEND_TO_MYSELF' });
  await app.disconnect();
});

test('a contact that cannot be is refused with the name of the field', async () => {
  for (const [wrong, name] of [
    [{ externalIp: '203.0.113.7:0' }, 'contacts[0].externalIp'],
    [{ localNet: ['10.0.0.0/33'] }, 'contacts[0].localNet[0]'],
    [{ dnsNames: ['a name'] }, 'contacts[0].dnsNames[0]'],
    [{ dnsNames: ['203.0.113.7'] }, 'contacts[0].dnsNames[0]'],
  ]) {
    const app = drachtio();
    const err = await new Promise((resolve) => app.connect({ contact: { uri: 'sip:127.0.0.1:0', ...wrong } }, resolve));
    assert.equal(err.code, 'DRT_ERR_INVALID_OPTION');
    assert.ok(err.message.includes(name), err.message);
  }
});

/** A client of the application's, on a connection of its own. */
async function client(port) {
  const socket = net.connect(port, '127.0.0.1').setEncoding('utf8');
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (chunk) => (text += chunk));
  /** The next message: none of them has a body. */
  const next = async () => {
    while (!text.includes('\r\n\r\n')) await once(socket, 'data');
    const end = text.indexOf('\r\n\r\n') + 4;
    const message = text.slice(0, end);
    text = text.slice(end);
    return message;
  };
  return { socket, next };
}

test('a TCP client that has registered is called over its connection, and its end is told', async () => {
  const registered = [];
  const { app, port, stop } = await startApp((app) => {
    app.register((req, res) => {
      registered.push({ contact: req.getParsedHeader('Contact')[0].uri, flow: req.flow });
      res.send(200, { headers: { Contact: req.get('Contact'), Expires: '600' } });
    });
  });
  const { socket, next } = await client(port);
  const uri = 'sip:alice@8fj2k.invalid;transport=tcp';
  socket.write(request({ method: 'REGISTER', transport: 'TCP', headers: { Contact: `<${uri}>` } }));
  assert.match(await next(), /^SIP\/2.0 200/);
  assert.equal(registered[0].contact, uri);

  for (const options of [{ uri }, { uri: 'sip:other@192.0.2.1', proxy: registered[0].flow }]) {
    const sent = await app.request({ method: 'MESSAGE', ...options });
    const message = await next();
    assert.ok(message.startsWith(`MESSAGE ${options.uri} SIP/2.0`));
    const answered = once(sent, 'response');
    socket.write(respond(message, 200));
    const [res] = await answered;
    assert.equal(res.status, 200);
  }

  const waiting = await app.request({ method: 'MESSAGE', uri });
  await next();
  const failed = once(waiting, 'response');
  const told = once(app, 'connection:closed');
  const { localPort } = socket;
  socket.destroy();
  const [closed] = await told;
  assert.deepEqual(closed, {
    protocol: 'tcp',
    source_address: '127.0.0.1',
    source_port: localPort,
    registrations: [uri],
    dialogs: [],
    requests: [],
  });
  const [res] = await failed;
  assert.equal(res.status, 503);
  await assert.rejects(app.request({ method: 'MESSAGE', uri }), { code: 'DRT_ERR_FLOW_FAILED' });
  const byFlow = app.request({ method: 'MESSAGE', uri, proxy: registered[0].flow });
  await assert.rejects(byFlow, { code: 'DRT_ERR_FLOW_FAILED' });
  await stop();
});
