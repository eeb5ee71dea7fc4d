'use strict';
// An application that wants a call with every place that accepts its INVITE (RFC 3261 §13.2.2.4).

const test = require('node:test');
const assert = require('node:assert/strict');
const { startApp } = require('./app');
const { UdpPeer, answer } = require('./peer');

const toTag = (message) => /^To:.*;tag=([^;\r\n]+)/im.exec(message)[1];

test('two places accept: both calls are up, each is acknowledged and ended by itself', async (t) => {
  const { app } = await startApp(t, () => {});
  const peer = await UdpPeer.open();
  t.after(() => peer.close());
  const req = await app.request({ uri: `sip:bob@127.0.0.1:${peer.port}`, method: 'INVITE', forks: 'all' });
  const calls = [];
  const both = new Promise((resolve) => {
    req.on('response', (res, ack) => calls.push({ res, ack }) === 2 && resolve());
  });
  const invite = await peer.next((message) => message.startsWith('INVITE'));
  const port = Number(/^Via:[^\r]*:(\d+)/im.exec(invite)[1]);
  const contact = `Contact: <sip:bob@127.0.0.1:${peer.port}>\r\n`;
  for (const tag of ['one', 'two']) {
    const ok = answer(invite, 200).replace(/^(To:[^\r;]*)(;tag=[^\r]*)?/im, `$1;tag=${tag}`).replace('Content-Length', `${contact}Content-Length`);
    peer.send(ok, port);
  }
  await both;
  for (const { ack } of calls) await ack();
  const acks = [await peer.next((message) => message.startsWith('ACK')), await peer.next((message) => message.startsWith('ACK'))];
  assert.deepEqual(acks.map(toTag), ['one', 'two']);
  for (const { res } of calls) {
    const bye = await app.request({ stackDialogId: res.stackDialogId, method: 'BYE' });
    const heard = await peer.next((message) => message.startsWith('BYE'));
    assert.equal(toTag(heard), toTag(res.msg.raw ?? String(res.msg)));
    const answered = new Promise((resolve) => bye.on('response', resolve));
    peer.send(answer(heard, 200), port);
    assert.equal((await answered).status, 200);
  }
  assert.equal(app.client.census().dialogs, 0);
});
