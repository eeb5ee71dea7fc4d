'use strict';
// Servers of RESP 2, redis and its sentinels, as far as a blacklist needs them.

const { once } = require('node:events');
const { createServer } = require('node:net');

/**
 * A server that answers commands. `isOpen` says whether connections are taken, `port` where.
 *
 * @param {(connection: object, name: string, args: string[]) => string} answer what a command is answered; `connection` is the
 *   same object for all commands of a connection
 */
async function startServer(t, state, answer) {
  const sockets = new Set();
  const server = createServer((socket) => {
    if (!state.isOpen) return socket.destroy();
    sockets.add(socket);
    const connection = {};
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (data) => {
      text += data;
      for (;;) {
        const { command, rest } = readCommand(text);
        if (command === undefined) return;
        text = rest;
        const [name, ...args] = command;
        socket.write(answer(connection, name.toUpperCase(), args));
      }
    });
    return undefined;
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return Object.assign(state, { port: server.address().port });
}

/** A redis that knows one set, `bad`, and AUTH if it has a password. */
function redis(t, { password, role = 'master', members = [] } = {}) {
  const state = { members, asked: 0, role, isOpen: true };
  return startServer(t, state, (connection, name, args) => {
    connection.isKnown ??= password === undefined;
    if (name === 'AUTH') {
      connection.isKnown = args.at(-1) === password;
      return connection.isKnown ? '+OK\r\n' : `-WRONGPASS invalid username-password pair: ${args.at(-1)}\r\n`;
    }
    if (!connection.isKnown) return '-NOAUTH Authentication required.\r\n';
    if (name === 'ROLE') return `*3\r\n${bulk(state.role)}:1\r\n*0\r\n`;
    if (name !== 'SMEMBERS' || args[0] !== 'bad') return '+OK\r\n';
    state.asked += 1;
    return array(state.members);
  });
}

/** A sentinel that knows one master, `mymaster`, at a port of this host. */
function sentinel(t, { port }) {
  const state = { master: port, asked: 0, isOpen: true };
  return startServer(t, state, (connection, name, [what = '', master]) => {
    if (name !== 'SENTINEL') return '+OK\r\n';
    if (what.toUpperCase() !== 'GET-MASTER-ADDR-BY-NAME') return '-ERR unknown sentinel subcommand\r\n';
    state.asked += 1;
    return master === 'mymaster' ? array(['127.0.0.1', String(state.master)]) : '*-1\r\n';
  });
}

const bulk = (text) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
const array = (texts) => `*${texts.length}\r\n${texts.map(bulk).join('')}`;

/** The first command of a text, when all of it is there, and what follows it. */
function readCommand(text) {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return {};
  let rest = text.slice(head[0].length);
  const command = [];
  for (let n = 0; n < Number(head[1]); n += 1) {
    const size = /^\$(\d+)\r\n/.exec(rest);
    if (size === null || rest.length < size[0].length + Number(size[1]) + 2) return {};
    command.push(rest.slice(size[0].length, size[0].length + Number(size[1])));
    rest = rest.slice(size[0].length + Number(size[1]) + 2);
  }
  return { command, rest };
}

module.exports = { redis, sentinel };
