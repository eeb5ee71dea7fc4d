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

test('the loop of the responses goes on until no other place can accept', async (t) => {
  const { app } = await startApp(t, () => {}, { timers: { transaction: 2_000 } });
  const peer = await UdpPeer.open();
  t.after(() => peer.close());
  const req = await app.request({ uri: `sip:bob@127.0.0.1:${peer.port}`, method: 'INVITE', forks: 'all' });
  const invite = await peer.next((message) => message.startsWith('INVITE'));
  const port = Number(/^Via:[^\r]*:(\d+)/im.exec(invite)[1]);
  const accept = (tag) => peer.send(answer(invite, 200).replace(/^(To:[^\r;]*)(;tag=[^\r]*)?/im, `$1;tag=${tag}`).replace('Content-Length', `Contact: <sip:bob@127.0.0.1:${peer.port}>\r\nContent-Length`), port);
  const tags = [];
  accept('one');
  for await (const res of req.responses()) {
    tags.push(toTag(String(res.msg)));
    await res.ack();
    if (tags.length === 1) accept('two');
  }
  assert.deepEqual(tags, ['one', 'two']);
  for (const tag of tags) {
    const dialog = tag === 'one' ? req.stackDialogId : `${req.stackDialogId};to-tag=${tag}`;
    const bye = await app.request({ stackDialogId: dialog, method: 'BYE' });
    peer.send(answer(await peer.next((message) => message.startsWith('BYE')), 200), port);
    for await (const res of bye.responses()) assert.equal(res.status, 200);
  }
});
