'use strict';

const { DrachtioError, misuse } = require('../errors');
const { lowerName } = require('../headers/names');
const { parseNameAddr } = require('../headers/name_addr');
const { joinHostPort, parseUri } = require('../headers/uri');
const { SipMessage } = require('../sip_message');
const { reasonPhrase } = require('../status');
const { milliseconds } = require('./durations');

/** @typedef {import('../headers/draft').HeaderValue} HeaderValue */
/** @typedef {{headers?: Record<string, HeaderValue>, body?: string}} Contents */
/** @typedef {number | string | ((message: SipMessage) => boolean)} Wanted */

/**
 * What a peer is connected to.
 *
 * @typedef {object} Wire
 * @property {string} uri by which the peer is reached
 * @property {number} port
 * @property {string} sentBy its transport and address, as a Via has them
 * @property {number} patience how long it is waited for a message, in milliseconds
 * @property {(text: string, target: import('../headers/uri').SipUri, request?: SipMessage) => void} send puts a message on
 *   its way; `request` is the one that it answers
 * @property {() => string} newId another one each time
 * @property {(time: number, over: () => void) => () => void} wait calls back when a time has passed; the result stops that
 * @property {() => Promise<void>} close
 */

/** How many messages wait to be asked for; the oldest is forgotten first. */
const MAX_HEARD = 1_000;

/**
 * A SIP peer for tests: it sends what it is told, and nothing by itself. It repeats nothing, acknowledges nothing and knows no
 * dialogs, so a test can have it do what no well-behaved peer would.
 */
class Peer {
  #wire;
  /** @type {SipMessage[]} */
  #heard = [];
  /** @type {{isWanted: (message: SipMessage) => boolean, resolve: (message: SipMessage) => void}[]} */
  #waiting = [];

  /**
   * @param {(hear: (text: string) => SipMessage | undefined) => Wire} connect makes the wire; `hear` is to be called with what
   *   comes over it, and returns that as a message if it is one
   */
  constructor(connect) {
    this.#wire = connect((text) => this.#hear(text));
  }

  /** The port that it has. */
  get port() {
    return this.#wire.port;
  }

  /** The URI by which it is reached. */
  get uri() {
    return this.#wire.uri;
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
      return undefined;
    }
    const at = this.#waiting.findIndex(({ isWanted }) => isWanted(message));
    if (at !== -1) {
      const [{ resolve }] = this.#waiting.splice(at, 1);
      resolve(message);
      return message;
    }
    this.#heard.push(message);
    if (this.#heard.length > MAX_HEARD) this.#heard.shift();
    return message;
  }

  /**
   * Puts a message, or any text, on the wire as it is.
   *
   * @param {SipMessage | string} message
   * @param {string} uri where to: `sip:127.0.0.1:5060`
   */
  send(message, uri) {
    this.#send(String(message), uri);
  }

  /**
   * @param {string} text
   * @param {string} uri
   * @param {SipMessage} [request] the one that it answers
   */
  #send(text, uri, request) {
    const target = parseUri(uri);
    if (target === undefined || target.scheme === 'tel') throw misuse(`not a SIP URI: ${uri}`, 'DRT_ERR_INVALID_ARGUMENT');
    this.#wire.send(text, target, request);
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
    const id = this.#wire.newId();
    const usual = {
      Via: `SIP/2.0/${this.#wire.sentBy};branch=z9hG4bK-${id};rport`,
      'Max-Forwards': 70,
      From: `<${this.uri}>;tag=peer-${id}`,
      To: `<${uri}>`,
      'Call-ID': id,
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
    const host = via.params.received ?? via.host;
    this.#send(response.toString(), `sip:${joinHostPort(host, via.params.rport || via.port || 5060)}`, request);
    return response;
  }

  /**
   * The next message that is wanted: a request of a method, a response with a status, or what a function says. Others stay
   * for those who want them.
   *
   * @param {Wanted} wanted
   * @param {{patience?: import('./durations').Duration}} [options] how long it may take
   * @returns {Promise<SipMessage>} rejected with `DRT_ERR_NOT_RECEIVED` when none comes
   */
  receives(wanted, { patience = this.#wire.patience } = {}) {
    const isWanted = matcher(wanted);
    const at = this.#heard.findIndex(isWanted);
    if (at !== -1) return Promise.resolve(this.#heard.splice(at, 1)[0]);
    const time = milliseconds(patience, 'patience');
    return new Promise((resolve, reject) => {
      const stopWaiting = this.#wire.wait(time, () => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        const heard = this.#heard.map((message) => message.toString().split('\r\n', 1)[0]).join(', ') || 'nothing';
        reject(new DrachtioError(`${wanted} has not been received within ${time} ms, but ${heard}`, 'DRT_ERR_NOT_RECEIVED'));
      });
      const waiting = {
        isWanted,
        /** @param {SipMessage} message */
        resolve: (message) => {
          stopWaiting();
          resolve(message);
        },
      };
      this.#waiting.push(waiting);
    });
  }

  /** @returns {Promise<void>} */
  close() {
    return this.#wire.close();
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
