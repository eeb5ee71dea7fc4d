'use strict';
// RFC 4475: tortuous messages get the expected reaction of an application that accepts what it gets, by UDP and by TCP.
//
// The messages of the RFC are read from beside the project where they are. Others in their spirit are always sent.

const test = require('node:test');
const assert = require('node:assert/strict');
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { startApp } = require('./app');
const { request, statusOf, withPeer } = require('./peer');
const own = require('./torture_messages');

const FOLDER = join(__dirname, '../../../shared/rfc4475');

/**
 * What a stream makes of messages whose ends it cannot know, or that are several: RFC 4475 has datagrams in mind.
 * `wait` is silence on a connection that stays open, for the rest that was announced.
 */
const BY_STREAM = new Map([
  ['clerr', 'wait'],
  ['ncl', '400,closed'],
  ['mcl01', '400,closed'],
  // Two requests, and then octets that are no message: what is not answered when those are read is lost with the connection.
  ['dblreq', '2xx,closed'],
  // Its header section does not end.
  ['baddn', 'wait'],
  // No status of SIP has so many digits, so this is no message.
  ['bigcode', 'wait,closed'],
  // Without a Content-Length what follows is the next message.
  ['inv2543', 'any,400,closed'],
]);

/** The messages of the RFC with what a user agent server may answer. */
function messagesOfTheRfc() {
  if (!existsSync(FOLDER)) return [];
  const [head, ...rows] = readFileSync(join(FOLDER, 'MANIFEST.tsv'), 'utf8').trimEnd().split('\n').map((row) => row.split('\t'));
  return rows.map((row) => {
    const entry = Object.fromEntries(head.map((name, at) => [name, row[at]]));
    const bytes = readFileSync(join(FOLDER, entry.file));
    return { source: 'RFC 4475', name: entry.name, expected: entry.uas_ok, byStream: BY_STREAM.get(entry.name), bytes };
  });
}

/** What an application is asked although the answer is a refusal: it might have said that it supports the demand. */
const DELIVERED = new Set(['OPTIONS 420', 'INVITE 415']);

/** Whether a reaction is among those expected, such as `400,none` or `2xx,any`. */
function isExpected(reaction, expected) {
  return expected.split(',').some((one) => one === reaction || (one === 'any' && /^\d/.test(reaction)) || (one === '2xx' && reaction.startsWith('2')));
}

/** The final status that a message gets, `none`, `wait` or `closed`. */
function reactionTo(transport, port, bytes, patience) {
  return withPeer(transport, port, async (peer) => {
    peer.send(bytes, port);
    const status = await peer.finalStatus(patience);
    if (status !== undefined) return String(status);
    if (transport === 'udp') return 'none';
    return peer.isClosed ? 'closed' : 'wait';
  });
}

for (const transport of ['udp', 'tcp']) {
  const messages = [...own.map((message) => ({ ...message, source: 'our own' })), ...messagesOfTheRfc()];
  for (const { source, name, bytes, expected: byDatagram, byStream } of messages) {
    test(`${source}, by ${transport}: ${name}`, async (t) => {
      const told = [];
      // One engine for each: several messages of the RFC have a branch in common.
      const { port } = await startApp(t, (app) => {
        app.use((req, res) => {
          told.push(req.method);
          if (req.method !== 'ACK') res.send(200);
        });
      });
      const expected = transport === 'tcp' ? (byStream ?? byDatagram.replace('none', 'wait')) : byDatagram;
      const isSilent = /^(none|wait)$/.test(expected);
      const reaction = await reactionTo(transport, port, bytes, isSilent ? 300 : 5_000);
      assert.ok(isExpected(reaction, expected), `${reaction} where ${expected} is expected`);
      if (/^[4-6]/.test(reaction)) assert.deepEqual(told.filter((method) => !DELIVERED.has(`${method} ${reaction}`)), []);
      // It is none the worse for it.
      await withPeer('udp', port, async (peer) => {
        peer.send(request(peer, 'OPTIONS'), port);
        assert.equal(await peer.finalStatus(), 200);
      });
    });
  }
}

test('a refusal says what would be taken', async (t) => {
  const { port } = await startApp(t, (app) => app.use((_req, res) => res.send(200)));
  const refusals = [
    [{ method: 'FROBNICATE' }, 501, /^Allow: .*INVITE/m],
    [{ method: 'OPTIONS', headers: { Require: 'x-none, x-more' } }, 420, /^Unsupported: x-none, x-more\r$/m],
    [{ method: 'INVITE', headers: { 'Content-Type': 'application/x-none' }, body: 'x' }, 415, /^Accept: application\/sdp/m],
  ];
  for (const [{ method, ...options }, status, line] of refusals) {
    await withPeer('udp', port, async (peer) => {
      peer.send(request(peer, method, options), port);
      const response = await peer.next((message) => statusOf(message) >= 200);
      assert.equal(statusOf(response), status);
      assert.match(response, line);
    });
  }
});
