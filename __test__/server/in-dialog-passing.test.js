'use strict';
// RFC 3261 §16.12: over the drachtio protocol an application that asks for the route in-dialog decides on requests that pass.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { answer, request, statusOf, UdpPeer } = require('../engine/peer');
const { startServer } = require('./support');
const { RawApplication } = require('./raw_application');

const header = (message, name) => new RegExp(`^${name}: *(.*)$`, 'im').exec(message)?.[1];

/** The transaction of a message that the application has been told of. */
const transactionOf = (told) => told.slice(0, told.indexOf('\r\n')).split('|')[7];

test('it is asked, refuses one request and has another forwarded', async (t) => {
  const { port: admin, address } = await startServer(t);
  const port = Number(address.split(':').pop());
  const [alice, bob] = [await UdpPeer.open(), await UdpPeer.open()];
  t.after(() => [alice, bob].forEach((peer) => peer.close()));
  const app = await RawApplication.join(t, admin, { routes: ['invite', 'in-dialog'] });

  const invite = request(alice, 'INVITE', { uri: `sip:bob@${address}` });
  alice.send(invite, port);
  const told = await app.hear((text) => text.startsWith('sip|network|'));
  app.say(`p1|proxy|${transactionOf(told)}|remainInDialog||||||sip:bob@127.0.0.1:${bob.port}\r\nINVITE sip:x SIP/2.0\r\n\r\n`);
  const received = await bob.next((message) => message.startsWith('INVITE '));
  bob.send(answer(received, '200 OK', `Contact: <sip:bob@127.0.0.1:${bob.port}>\r\n`), port);
  const ok = await alice.next((message) => statusOf(message) === 200);

  const inDialog = (method, seq) => request(alice, method, {
    uri: `sip:bob@127.0.0.1:${bob.port}`,
    headers: { 'Call-ID': header(invite, 'Call-ID'), From: header(invite, 'From'), To: header(ok, 'To'), CSeq: `${seq} ${method}`, Route: header(ok, 'Record-Route') },
  });
  alice.send(inDialog('ACK', 1), port);
  await bob.next((message) => message.startsWith('ACK '));

  alice.send(inDialog('INFO', 2), port);
  const info = await app.hear((text) => text.startsWith('sip:passing|'));
  assert.match(info, /\r\nINFO sip:bob@/);
  app.say(`a1|sip|${transactionOf(info)}|\r\nSIP/2.0 403 Forbidden\r\n\r\n`);
  assert.equal(await alice.finalStatus(), 403);

  alice.send(inDialog('BYE', 3), port);
  const bye = await app.hear((text) => text.startsWith('sip:passing|'));
  app.say(`p2|proxy|${transactionOf(bye)}||||||\r\nBYE sip:x SIP/2.0\r\nX-Seen: yes\r\n\r\n`);
  const forwarded = await bob.next();
  assert.match(forwarded, /^BYE /, 'the INFO has not come');
  assert.equal(header(forwarded, 'X-Seen'), 'yes');
  bob.send(answer(forwarded, '200 OK'), port);
  assert.equal(await alice.finalStatus(), 200);
});
