'use strict';
// A blacklist in redis is read, read again, and kept while redis cannot be asked.

const test = require('node:test');
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { createServer } = require('node:net');
const drachtio = require('../..');
const { peer } = require('./support/sip');

const TIME = { timeout: 30_000 };
const PASSWORD = 'hush-hush';

/** A redis that knows one set, and AUTH if it has a password. */
async function redis(t, { password } = {}) {
  const state = { members: [], asked: 0, password, isOpen: true };
  const sockets = new Set();
  const server = createServer((socket) => {
    if (!state.isOpen) return socket.destroy();
    sockets.add(socket);
    let known = password === undefined;
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (data) => {
      text += data;
      for (;;) {
        const command = take();
        if (command === undefined) return;
        const [name, ...args] = command;
        if (name === 'AUTH') known = args.at(-1) === password;
        if (name === 'HELLO') known ||= args.includes('AUTH') && args[args.indexOf('AUTH') + 2] === password;
        if (!known) socket.write('-NOAUTH Authentication required.\r\n');
        else if (name === 'SMEMBERS' && args[0] === 'bad') {
          state.asked += 1;
          socket.write(`*${state.members.length}\r\n${state.members.map((one) => `$${one.length}\r\n${one}\r\n`).join('')}`);
        } else socket.write('+OK\r\n');
      }
    });
    /** The next command, when all of it is there. */
    function take() {
      const head = /^\*(\d+)\r\n/.exec(text);
      if (head === null) return undefined;
      let rest = text.slice(head[0].length);
      const parts = [];
      for (let n = 0; n < Number(head[1]); n += 1) {
        const part = /^\$(\d+)\r\n/.exec(rest);
        if (part === null || rest.length < part[0].length + Number(part[1]) + 2) return undefined;
        parts.push(rest.slice(part[0].length, part[0].length + Number(part[1])));
        rest = rest.slice(part[0].length + Number(part[1]) + 2);
      }
      text = rest;
      return [parts[0].toUpperCase(), ...parts.slice(1)];
    }
    return undefined;
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return Object.assign(state, { port: server.address().port });
}

/** A server with that blacklist, and the lines that it logs. */
async function serverWith(t, store, more = {}) {
  const server = await drachtio.serve({
    contact: 'sip:127.0.0.1:0',
    admin: { host: '127.0.0.1', port: false },
    blacklist: { key: 'bad', host: '127.0.0.1', port: store.port, refreshInterval: 1_000, ...more },
  });
  t.after(() => server.close());
  return server;
}

/** Sends requests until they are answered, or are no longer; each gets a moment. */
async function until(caller, sip, isAnswered) {
  for (;;) {
    caller.heard.length = 0;
    caller.send(sip, 'OPTIONS');
    const answered = await Promise.race([caller.answer().then(() => true), new Promise((resolve) => setTimeout(() => resolve(false), 300))]);
    if (answered === isAnswered) return;
  }
}

test('who is in the set is not answered, and who leaves it is again', TIME, async (t) => {
  const store = await redis(t);
  const server = await serverWith(t, store);
  const sip = server.hostports[0].split('/')[1];
  const caller = await peer(t);
  await until(caller, sip, true);
  store.members = ['127.0.0.1', 'nonsense'];
  await until(caller, sip, false);
  assert.ok(server.counters().screened > 0);
  // While redis is away, what it has said last stays.
  store.isOpen = false;
  await until(caller, sip, false);
  store.isOpen = true;
  store.members = [];
  await until(caller, sip, true);
});

test('the password is used', TIME, async (t) => {
  const store = await redis(t, { password: PASSWORD });
  store.members = ['127.0.0.1'];
  const server = await serverWith(t, store, { password: PASSWORD });
  const caller = await peer(t);
  await until(caller, server.hostports[0].split('/')[1], false);
  assert.ok(store.asked > 0);
});
