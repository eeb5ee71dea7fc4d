'use strict';
// A peer with a bare socket: puts any bytes on the wire and hears what comes back.

const dgram = require('node:dgram');
const { once } = require('node:events');
const net = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');

/** How long an answer is waited for. On loopback it takes a millisecond. */
const PATIENCE = 5_000;

/** How long silence is listened to. */
const SILENCE = 300;

let number = 0;

/** What both kinds of peers hear. */
class Peer {
  /** Messages that were heard and not asked for yet. */
  heard = [];
  isClosed = false;

  /** The next message that `isWanted`, which those before are dropped for; undefined when none comes. */
  async next(isWanted = () => true, patience = PATIENCE) {
    const end = Date.now() + patience;
    for (;;) {
      while (this.heard.length > 0) {
        const message = this.heard.shift();
        if (isWanted(message)) return message;
      }
      if (Date.now() > end || this.isClosed) return undefined;
      await sleep(5);
    }
  }

  /** The status of the next final response; undefined when none comes. */
  async finalStatus(patience = PATIENCE) {
    const response = await this.next((message) => statusOf(message) >= 200, patience);
    return response && statusOf(response);
  }

  /** What is heard within a moment. */
  async listen() {
    await sleep(SILENCE);
    return this.heard.splice(0);
  }
}

/** A peer on a UDP port of its own. */
class UdpPeer extends Peer {
  transport = 'UDP';
  #socket;

  static async open() {
    const peer = new UdpPeer();
    peer.#socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    await once(peer.#socket, 'listening');
    peer.port = peer.#socket.address().port;
    peer.#socket.on('message', (bytes) => peer.heard.push(bytes.toString('latin1')));
    peer.#socket.on('error', () => {});
    return peer;
  }

  send(bytes, port) {
    this.#socket.send(bytes, port, '127.0.0.1');
  }

  close() {
    this.isClosed = true;
    this.#socket.close();
  }
}

/** A peer with one TCP connection. */
class TcpPeer extends Peer {
  transport = 'TCP';
  #socket;
  #rest = '';

  static async open(port) {
    const peer = new TcpPeer();
    peer.#socket = net.connect(port, '127.0.0.1');
    await once(peer.#socket, 'connect');
    peer.port = peer.#socket.localPort;
    peer.#socket.on('data', (bytes) => peer.#take(bytes.toString('latin1')));
    peer.#socket.on('error', () => {});
    peer.#socket.on('close', () => {
      peer.isClosed = true;
    });
    return peer;
  }

  send(bytes) {
    this.#socket.write(bytes);
  }

  close() {
    this.#socket.destroy();
  }

  #take(text) {
    this.#rest += text;
    for (;;) {
      const blank = this.#rest.indexOf('\r\n\r\n');
      if (blank === -1) return;
      const length = Number(/^content-length: *(\d+)/im.exec(this.#rest.slice(0, blank))?.[1] ?? 0);
      if (this.#rest.length < blank + 4 + length) return;
      this.heard.push(this.#rest.slice(0, blank + 4 + length));
      this.#rest = this.#rest.slice(blank + 4 + length);
    }
  }
}

/** The status of a response; 0 of anything else. */
function statusOf(message) {
  return Number(/^SIP\/2\.0 (\d{3}) /.exec(message)?.[1] ?? 0);
}

/**
 * A request of a peer's. Each has a transaction and a Call-ID of its own.
 *
 * @param {Peer} peer
 * @param {string} method
 * @param {{headers?: Record<string, string>, body?: string, uri?: string}} [options] headers may be replaced and added
 */
function request(peer, method, { headers = {}, body = '', uri = 'sip:app@127.0.0.1' } = {}) {
  number += 1;
  const all = {
    Via: `SIP/2.0/${peer.transport} 127.0.0.1:${peer.port};rport;branch=z9hG4bK-peer-${process.pid}-${number}`,
    'Max-Forwards': '70',
    From: `<sip:peer@127.0.0.1>;tag=peer${number}`,
    To: '<sip:app@127.0.0.1>',
    'Call-ID': `peer-${process.pid}-${number}`,
    CSeq: `1 ${method}`,
    Contact: `<sip:peer@127.0.0.1:${peer.port};transport=${peer.transport.toLowerCase()}>`,
    ...headers,
    'Content-Length': String(Buffer.byteLength(body)),
  };
  return `${method} ${uri} SIP/2.0\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}

/**
 * The answer to a request.
 *
 * @param {string} received
 * @param {string} line as in `200 OK`
 * @param {string} [extra] header lines
 */
function answer(received, line, extra = '') {
  const copied = received.split('\r\n').filter((one) => /^(via|from|call-id|cseq|record-route):/i.test(one));
  const to = /^to:.*$/im.exec(received)[0];
  return `SIP/2.0 ${line}\r\n${[...copied, to.includes(';tag=') ? to : `${to};tag=peer`].join('\r\n')}\r\n${extra}Content-Length: 0\r\n\r\n`;
}

/** Opens a peer, has it do something, and closes it. */
async function withPeer(transport, port, play) {
  const peer = transport === 'tcp' ? await TcpPeer.open(port) : await UdpPeer.open();
  try {
    return await play(peer);
  } finally {
    peer.close();
  }
}

module.exports = { TcpPeer, UdpPeer, answer, request, statusOf, withPeer };
