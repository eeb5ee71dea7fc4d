'use strict';
// An application that is a bare socket, for what no framework would send.

const { once } = require('node:events');
const net = require('node:net');
const { SECRET } = require('./support');

class RawApplication {
  #buffer = Buffer.alloc(0);
  #waiting = [];
  /** Payloads that nobody has asked for. @type {string[]} */
  #payloads = [];
  closed = false;

  /** @param {net.Socket} socket */
  constructor(socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
    socket.on('data', (data) => {
      this.#buffer = Buffer.concat([this.#buffer, data]);
      for (let hash = this.#buffer.indexOf('#'); hash !== -1; hash = this.#buffer.indexOf('#')) {
        const end = hash + 1 + Number(this.#buffer.subarray(0, hash).toString());
        if (this.#buffer.length < end) break;
        this.#payloads.push(this.#buffer.subarray(hash + 1, end).toString());
        this.#buffer = this.#buffer.subarray(end);
      }
      this.#wake();
    });
  }

  static async open(t, port) {
    const socket = net.connect(port, '127.0.0.1');
    t?.after(() => socket.destroy());
    await once(socket, 'connect');
    return new RawApplication(socket);
  }

  /** One that has shown the secret and asked for these methods. */
  static async join(t, port, { tags = '', routes = [] } = {}) {
    const raw = await RawApplication.open(t, port);
    raw.say(`a0|authenticate|${SECRET}|${tags}`);
    await raw.reply('a0');
    for (const method of routes) {
      raw.say(`r-${method}|route|${method}`);
      await raw.reply(`r-${method}`);
    }
    return raw;
  }

  /** Sends a frame. */
  say(payload) {
    this.socket.write(frame(payload));
  }

  /** The next payload for which `wanted` is true, without the id before it; undefined when the connection has ended. */
  async hear(wanted = () => true) {
    for (;;) {
      const at = this.#payloads.findIndex((payload) => wanted(afterId(payload)));
      if (at !== -1) return afterId(this.#payloads.splice(at, 1)[0]);
      if (this.closed) return undefined;
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
  }

  /** What is answered to a message: the tokens after its id. */
  async reply(id) {
    const payload = await this.hear((text) => text.startsWith(`response|${id}|`));
    return payload?.slice(`response|${id}|`.length);
  }

  /** Waits for the end of the connection. */
  async ended() {
    await this.hear(() => false);
  }

  #wake() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** A payload as it goes over the connection. */
function frame(payload) {
  return Buffer.concat([Buffer.from(`${Buffer.byteLength(payload)}#`), Buffer.from(payload)]);
}

function afterId(payload) {
  return payload.slice(payload.indexOf('|') + 1);
}

module.exports = { RawApplication, frame };
