'use strict';

const { createSocket } = require('node:dgram');
const { once } = require('node:events');
const { DrachtioError, misuse } = require('../errors');
const { lowerName } = require('../headers/names');
const { parseNameAddr } = require('../headers/name_addr');
const { parseUri } = require('../headers/uri');
const { SipMessage } = require('../sip_message');
const { reasonPhrase } = require('../status');

/** @typedef {import('../headers/draft').HeaderValue} HeaderValue */
/** @typedef {{headers?: Record<string, HeaderValue>, body?: string}} Contents */
/** @typedef {number | string | ((message: SipMessage) => boolean)} Wanted */

/** How many messages wait to be asked for; the oldest is forgotten first. */
const MAX_HEARD = 1_000;

/** How long `receives` waits, in milliseconds. On loopback an answer takes one. */
const PATIENCE = 5_000;

let count = 0;

/**
 * A SIP peer for tests: a UDP socket on 127.0.0.1 that sends what it is told, and nothing by itself. It repeats nothing,
 * acknowledges nothing and knows no dialogs, so a test can have it do what no well-behaved peer would.
 */
class Peer {
  #socket = createSocket('udp4');
  /** @type {SipMessage[]} */
  #heard = [];
  /** @type {{isWanted: (message: SipMessage) => boolean, resolve: (message: SipMessage) => void}[]} */
  #waiting = [];

  /** The port that it has. */
  port = 0;

  /** @param {number} port 0 for any */
  async open(port) {
    this.#socket.on('message', (bytes) => this.#hear(bytes.toString('utf8')));
    this.#socket.bind(port, '127.0.0.1');
    await once(this.#socket, 'listening');
    this.port = this.#socket.address().port;
    return this;
  }

  /** The URI by which it is reached. */
  get uri() {
    return `sip:peer@127.0.0.1:${this.port}`;
  }

  /** What has come and was not asked for yet, oldest first. */
  get heard() {
    return [...this.#heard];
  }

  /** @param {string} text */
  #hear(text) {
    /** @type {SipMessage} */
    let message;
    try {
      message = new SipMessage(text);
    } catch {
      // A keep-alive, which is no message.
      return;
    }
    const at = this.#waiting.findIndex(({ isWanted }) => isWanted(message));
    if (at !== -1) {
      const [{ resolve }] = this.#waiting.splice(at, 1);
      resolve(message);
      return;
    }
    this.#heard.push(message);
    if (this.#heard.length > MAX_HEARD) this.#heard.shift();
  }

  /**
   * Puts a message, or any text, on the wire as it is.
   *
   * @param {SipMessage | string} message
   * @param {string} uri where to: `sip:127.0.0.1:5060`
   */
  send(message, uri) {
    const target = parseUri(uri);
    if (target === undefined || target.scheme === 'tel') throw misuse(`not a SIP URI: ${uri}`, 'DRT_ERR_INVALID_ARGUMENT');
    this.#socket.send(String(message), target.port || 5060, target.host);
  }

  /**
   * Sends a request, with the headers that it needs where none are given.
   *
   * @param {string} method
   * @param {string} uri the request-URI, and where it is sent to
   * @param {Contents} [contents]
   * @returns {SipMessage} the request
   */
  request(method, uri, { headers = {}, body = '' } = {}) {
    count += 1;
    const usual = {
      Via: `SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK-${process.pid}-${count};rport`,
      'Max-Forwards': 70,
      From: `<${this.uri}>;tag=peer${count}`,
      To: `<${uri}>`,
      'Call-ID': `${process.pid}-${count}@127.0.0.1`,
      CSeq: `1 ${method}`,
      Contact: `<${this.uri}>`,
    };
    const request = new SipMessage({ method, uri, headers: { ...without(usual, headers), ...headers }, body });
    this.send(request, uri);
    return request;
  }

  /**
   * Answers a request, to where its topmost Via says.
   *
   * @param {SipMessage} request
   * @param {number} status
   * @param {Contents} [contents]
   * @returns {SipMessage} the response
   */
  answer(request, status, { headers = {}, body = '' } = {}) {
    const to = request.get('to') ?? '';
    const usual = {
      Via: request.get('via'),
      'Record-Route': request.get('record-route'),
      From: request.get('from'),
      To: status === 100 || parseNameAddr(to).params.tag !== undefined ? to : `${to};tag=peer`,
      'Call-ID': request.get('call-id'),
      CSeq: request.get('cseq'),
      Contact: `<${this.uri}>`,
    };
    const response = new SipMessage({ status, reason: reasonPhrase(status), headers: { ...without(usual, headers), ...headers }, body });
    const [via] = /** @type {import('../headers/via').Via[]} */ (request.getParsedHeader('via'));
    this.send(response, `sip:${via.params.received ?? via.host}:${via.params.rport || via.port || 5060}`);
    return response;
  }

  /**
   * The next message that is wanted: a request of a method, a response with a status, or what a function says. Others stay
   * for those who want them.
   *
   * @param {Wanted} wanted
   * @param {{patience?: number}} [options] how long it may take, in milliseconds: 5000 without it
   * @returns {Promise<SipMessage>} rejected with `DRT_ERR_NOT_RECEIVED` when none comes
   */
  receives(wanted, { patience = PATIENCE } = {}) {
    const isWanted = matcher(wanted);
    const at = this.#heard.findIndex(isWanted);
    if (at !== -1) return Promise.resolve(this.#heard.splice(at, 1)[0]);
    return new Promise((resolve, reject) => {
      const waiting = {
        isWanted,
        /** @param {SipMessage} message */
        resolve: (message) => {
          clearTimeout(timer);
          resolve(message);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        const heard = this.#heard.map((message) => message.toString().split('\r\n', 1)[0]).join(', ') || 'nothing';
        reject(new DrachtioError(`${wanted} has not been received within ${patience} ms, but ${heard}`, 'DRT_ERR_NOT_RECEIVED'));
      }, patience);
      this.#waiting.push(waiting);
    });
  }

  /** @returns {Promise<void>} */
  close() {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose]() {
    return this.close();
  }
}

/** @param {Wanted} wanted */
function matcher(wanted) {
  if (typeof wanted === 'function') return wanted;
  if (typeof wanted === 'number') return (/** @type {SipMessage} */ message) => message.status === wanted;
  return (/** @type {SipMessage} */ message) => message.method === wanted.toUpperCase();
}

/**
 * The headers of `usual` that are not in `given`.
 *
 * @param {Record<string, HeaderValue>} usual
 * @param {Record<string, HeaderValue>} given
 */
function without(usual, given) {
  const names = new Set(Object.keys(given).map(lowerName));
  return Object.fromEntries(Object.entries(usual).filter(([name]) => !names.has(lowerName(name))));
}

module.exports = { Peer };
