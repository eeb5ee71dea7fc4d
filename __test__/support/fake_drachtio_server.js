'use strict';

const { randomUUID } = require('node:crypto');
const { once } = require('node:events');
const net = require('node:net');
const tls = require('node:tls');

/**
 * A drachtio-server without SIP: it notes what an application says and says what a test wants it to. It reads and
 * writes the protocol by itself, so that it is also a check of what the package makes of it. `FakeServer.start()`
 * listens; `FakeServer.dial()` connects to an application that listens.
 *
 * Who connects is authenticated unless the test does so: see `automatic`.
 */
class FakeServer {
  /** The port it listens on. */
  port = 0;
  /** Connections that have been made, the oldest first. @type {Peer[]} */
  peers = [];

  #server;
  #options;
  #waiting = [];
  #taken = 0;

  /**
   * @param {{secret?: string, version?: string, localHostports?: string, hostports?: string, unit?: 'bytes' | 'characters',
   *   automatic?: boolean, tls?: object, port?: number}} [options]
   */
  static async start(options = {}) {
    const server = new FakeServer(options);
    await server.listen(options.port ?? 0);
    return server;
  }

  /**
   * Connects to an application, as a server does in outbound mode.
   *
   * @returns {Promise<Peer>}
   */
  static async dial(port, options = {}) {
    const socket = options.tls ? tls.connect({ port, host: '127.0.0.1', ...options.tls }) : net.connect(port, '127.0.0.1');
    const peer = new Peer(socket, { ...DEFAULTS, ...options });
    await once(socket, options.tls ? 'secureConnect' : 'connect');
    return peer;
  }

  constructor(options) {
    this.#options = { ...DEFAULTS, ...options };
    this.#server = this.#options.tls ? tls.createServer(this.#options.tls) : net.createServer();
    this.#server.on(this.#options.tls ? 'secureConnection' : 'connection', (socket) => {
      this.peers.push(new Peer(socket, this.#options));
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  async listen(port) {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = this.#server.address().port;
  }

  /** The next connection, as soon as there is one. @returns {Promise<Peer>} */
  async peer() {
    while (this.peers.length <= this.#taken) await new Promise((resolve) => this.#waiting.push(resolve));
    return this.peers[this.#taken++];
  }

  /** Ends everything at once. */
  async close() {
    for (const peer of this.peers) peer.socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const DEFAULTS = {
  secret: 'cymru',
  version: 'v0.9.10',
  hostports: 'udp/127.0.0.1:5060,tcp/127.0.0.1:5060',
  localHostports: 'udp/10.0.0.5:5060',
  unit: 'bytes',
  automatic: true,
};

/**
 * One message of an application.
 *
 * @typedef {{id: string, type: string, tokens: string[], line: string, text: string}} Said `tokens` without id and type;
 *   `line` is the whole line of tokens but for the id; `text` is what follows it
 */

/** A connection, seen from the server. */
class Peer {
  /** Everything that has been said, the oldest first. @type {Said[]} */
  said = [];
  /** Set to answer each message as it comes. @type {((said: Said) => void) | undefined} */
  onSaid = undefined;

  #options;
  #onAuthenticated = () => {};
  #buffer = Buffer.alloc(0);
  #waiting = [];
  #next = 0;

  constructor(socket, options) {
    this.socket = socket;
    this.#options = options;
    socket.setNoDelay(true);
    this.closed = new Promise((resolve) => socket.on('close', resolve));
    /** Fulfilled when the application has been told that it is known. */
    this.authenticated = new Promise((resolve) => {
      this.#onAuthenticated = resolve;
    });
    socket.on('error', () => {});
    socket.on('data', (chunk) => this.#read(chunk));
  }

  /**
   * The next message of one of these types that has not been asked for; of any type if none is given. Those before it
   * are passed over.
   *
   * @returns {Promise<Said>}
   */
  async next(...types) {
    for (;;) {
      while (this.#next < this.said.length) {
        const said = this.said[this.#next++];
        if (types.length === 0 || types.includes(said.type)) return said;
      }
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Writes bytes as they are. */
  raw(bytes) {
    this.socket.write(bytes);
  }

  /** Writes a payload as a frame. */
  send(payload) {
    this.raw(this.frame(payload));
  }

  frame(payload) {
    const length = this.#options.unit === 'bytes' ? Buffer.byteLength(payload) : [...payload].length;
    return `${length}#${payload}`;
  }

  /** Answers a message: `reply(said, 'OK', 'pong')`. */
  reply(said, ...tokens) {
    this.send([randomUUID(), 'response', said.id, ...tokens].join('|'));
  }

  authenticate(said) {
    const { hostports, version, localHostports } = this.#options;
    this.reply(said, 'OK', ...[hostports, version, localHostports].filter((token) => token !== undefined));
    this.#onAuthenticated();
  }

  /** A message from the network: outside every dialog unless `dialog` is given. */
  deliver(text, meta = {}) {
    const { txn = 'txn-1', dialog = '', source = 'network' } = meta;
    const place = dialog === '' && !text.startsWith('SIP/') ? ['', '10.0.0.5', 5060, ''] : [dialog, ''];
    this.send(`${[randomUUID(), 'sip', ...envelope({ source, ...meta }, text), txn, ...place].join('|')}\r\n${text}`);
  }

  /** The command has been carried out: this is what was sent. */
  accept(said, meta = {}, text = said.text) {
    const { txn = 'txn-1', dialog = '', source = 'application' } = meta;
    const place = text.startsWith('SIP/') ? [txn, dialog, '', 'Msg sent:', ''] : [txn, 'Msg sent:', ''];
    this.send(`${[randomUUID(), 'response', said.id, 'OK', ...envelope({ source, ...meta }, text), ...place].join('|')}\r\n${text}`);
  }

  /** A branch of a proxied request has ended. */
  branch(said, text, meta = {}) {
    const head = [randomUUID(), 'response', said.id, 'OK', ...envelope({ source: 'network', ...meta }, text), '', '', 'continue'];
    this.send(`${head.join('|')}\r\n${text}`);
  }

  /** A call detail record. */
  record(event, tokens, text) {
    this.send(`${[randomUUID(), event, ...tokens].join('|')}\r\n${text}`);
  }

  #read(chunk) {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const hash = this.#buffer.indexOf('#');
      if (hash === -1) return;
      // Applications count bytes, whatever the server counts.
      const end = hash + 1 + Number(this.#buffer.subarray(0, hash).toString());
      if (this.#buffer.length < end) return;
      const payload = this.#buffer.subarray(hash + 1, end).toString();
      this.#buffer = this.#buffer.subarray(end);
      this.#take(payload);
    }
  }

  #take(payload) {
    const lineEnd = payload.indexOf('\r\n');
    const whole = lineEnd === -1 ? payload : payload.slice(0, lineEnd);
    const [id, type, ...tokens] = whole.split('|');
    const said = { id, type, tokens, line: whole.slice(id.length + 1), text: lineEnd === -1 ? '' : payload.slice(lineEnd + 2) };
    this.said.push(said);
    if (this.#options.automatic) this.#answer(said);
    this.onSaid?.(said);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #answer(said) {
    if (said.type === 'route' || said.type === 'remove_route') this.reply(said, 'OK');
    else if (said.type === 'ping') this.reply(said, 'OK', 'pong');
    else if (said.type === 'authenticate' && said.tokens[0] === this.#options.secret) this.authenticate(said);
    else if (said.type === 'authenticate') {
      this.reply(said, 'NO', 'incorrect secret');
      this.socket.end();
    }
  }
}

function envelope({ source, protocol = 'udp', address = '198.51.100.9', port = 5060, time = '18:02:49.715381' }, text) {
  return [source, Buffer.byteLength(text), protocol, address, port, time];
}

/** A request as it comes from the network. */
function request(method, { headers = {}, body = '', uri = 'sip:bob@127.0.0.1', callId = 'cid-1', seq = 1 } = {}) {
  return message(`${method} ${uri} SIP/2.0`, {
    Via: 'SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK1;rport',
    From: '<sip:alice@198.51.100.9>;tag=a1',
    To: '<sip:bob@127.0.0.1>',
    'Call-ID': callId,
    CSeq: `${seq} ${method}`,
    ...headers,
  }, body);
}

/** A response as it comes from the network. */
function response(status, reason, { method = 'INVITE', headers = {}, body = '', callId = 'cid-1', seq = 1 } = {}) {
  return message(`SIP/2.0 ${status} ${reason}`, {
    Via: 'SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK2',
    From: '<sip:alice@127.0.0.1>;tag=a1',
    To: '<sip:bob@198.51.100.9>;tag=b1',
    'Call-ID': callId,
    CSeq: `${seq} ${method}`,
    ...headers,
  }, body);
}

function message(startLine, headers, body) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [startLine, ...lines, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
}

module.exports = { FakeServer, request, response };
