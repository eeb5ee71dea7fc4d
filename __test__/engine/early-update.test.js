'use strict';
// RFC 3311: an UPDATE in a dialog that an INVITE without a final response has made.

const test = require('node:test');
const assert = require('node:assert/strict');
const { startApp } = require('./app');
const { request, statusOf, withPeer } = require('./peer');

test('the UPDATE of a ringing call reaches its INVITE, without a handler for the method', async (t) => {
  const { port } = await startApp(t, (app) => {
    app.invite((req, res) => {
      req.on('update', (update, answer) => answer.send(200));
      res.send(180);
    });
  });
  await withPeer('udp', port, async (peer) => {
    const invite = request(peer, 'INVITE');
    peer.send(invite, port);
    const rings = await peer.next((message) => statusOf(message) === 180);
    const [callId, from, to] = ['Call-ID', 'From', 'To'].map((name) => new RegExp(`^${name}: (.*)$`, 'im').exec(rings)[1].trim());
    const contact = /^Contact: <(.*)>/im.exec(rings)[1];
    peer.send(request(peer, 'UPDATE', { uri: contact, headers: { 'Call-ID': callId, From: from, To: to, CSeq: '2 UPDATE' } }), port);
    const answered = await peer.next((message) => /^CSeq: 2 UPDATE/im.test(message));
    assert.equal(statusOf(answered), 200);
  });
});
