'use strict';

const { onAbort } = require('./abort');
const { conclude, run } = require('./dispatcher');
const { Command, ENTRIES, Event } = require('./command_link');
const { misuse } = require('./errors');
const { makeFrame } = require('./frame');
const { lowerName } = require('./headers/names');
const { parseNameAddr } = require('./headers/name_addr');
const { embeddedSession } = require('./embedded_session');
const { SipMessage } = require('./sip_message');
const { statusLine } = require('./status');

/** @typedef {import('./app').App} App */
/** @typedef {import('./agent').Agent} Agent */
/** @typedef {import('./headers/draft').HeaderValue} HeaderValue */

/**
 * @typedef {object} InjectOptions
 * @property {string} [uri] the request-URI
 * @property {Record<string, HeaderValue>} [headers] stand for those that a request has of itself
 * @property {string} [body]
 * @property {string} [dialogId] the dialog that the request is in
 * @property {string} [address] where the request seems to come from
 * @property {number} [port]
 * @property {string} [protocol]
 * @property {(destination: string) => number} [proxied] the status that a destination answers with if the request is proxied;
 *   200 without it
 * @property {AbortSignal} [signal] the caller gives up: an INVITE is cancelled, any other request is waited for no longer
 *
 * @typedef {object} Injected what has become of the request
 * @property {number} status of the final response; 0 for an ACK, which has none
 * @property {string} reason
 * @property {Record<string, string>} headers
 * @property {string} body
 * @property {SipMessage | undefined} message the final response
 * @property {SipMessage[]} provisional those before it
 * @property {string[] | undefined} proxied the destinations, if the request was proxied
 */

const OPTIONS = new Set(['uri', 'headers', 'body', 'dialogId', 'address', 'port', 'protocol', 'proxied', 'signal']);

let count = 0;

/**
 * Gives a request to an application as if it had come from the network, and says what the application makes of it. No
 * engine takes part: what one would fill in or refuse is not seen.
 *
 * @param {App} app
 * @param {Agent} agent
 * @param {string | SipMessage} request a method, the text of a request, or a message
 * @param {InjectOptions} [options]
 * @returns {Promise<Injected>}
 */
function inject(app, agent, request, options = {}) {
  return new Promise((resolve, reject) => {
    const unknown = Object.keys(options).find((name) => !OPTIONS.has(name));
    if (unknown !== undefined) throw misuse(`inject: unknown option '${unknown}'; known here: ${[...OPTIONS].join(', ')}`, 'DRT_ERR_INVALID_OPTION');
    options.signal?.throwIfAborted();
    new Injection(app, agent, requestOf(request, options), options, resolve, reject).begin().catch(reject);
  });
}

/**
 * @param {string | SipMessage} request
 * @param {InjectOptions} options
 */
function requestOf(request, { uri = 'sip:app@127.0.0.1', headers = {}, body = '' }) {
  if (request instanceof SipMessage) return new SipMessage(request);
  if (typeof request !== 'string') throw misuse('inject: a method, the text of a request, or a SipMessage is needed', 'DRT_ERR_INVALID_ARGUMENT');
  if (/\s/.test(request)) return new SipMessage(request);
  count += 1;
  const method = request.toUpperCase();
  const usual = {
    Via: `SIP/2.0/UDP 127.0.0.1:5090;branch=z9hG4bK-injected-${count}`,
    'Max-Forwards': 70,
    From: `<sip:test@127.0.0.1>;tag=injected${count}`,
    To: `<${uri}>`,
    'Call-ID': `injected-${count}`,
    CSeq: `1 ${method}`,
    Contact: '<sip:test@127.0.0.1:5090>',
  };
  const given = new Set(Object.keys(headers).map(lowerName));
  const filled = Object.fromEntries(Object.entries(usual).filter(([name]) => !given.has(lowerName(name))));
  return new SipMessage({ method, uri, headers: { ...filled, ...headers }, body });
}

/** A request on its way through an application, with a stand-in for the engine. */
class Injection {
  #session;
  #request;
  #options;
  #transaction;
  #resolve;
  #reject;
  /** @type {SipMessage[]} */
  #provisional = [];
  /** @type {string[] | undefined} */
  #proxied = undefined;
  #isOver = false;
  /** @type {(string | number)[]} */
  #events = [];
  /** @type {() => void} */
  #wake = () => {};

  #offSignal = () => {};

  /**
   * @param {App} app
   * @param {Agent} agent
   * @param {SipMessage} request
   * @param {InjectOptions} options
   * @param {(injected: Injected) => void} resolve
   * @param {(err: unknown) => void} reject
   */
  constructor(app, agent, request, options, resolve, reject) {
    const injection = this;
    class Engine {
      /** @type {readonly string[]} */
      static headerNames = [];

      /** @param {() => void} wake */
      constructor(wake) {
        injection.#wake = wake;
      }

      start = () => Promise.resolve({ hostports: [] });
      /** @param {(string | number)[]} batch */
      submit = (batch) => injection.#take(batch);
      take = () => injection.#events.splice(0);
    }
    this.#request = request;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#transaction = `injected-${++count}`;
    // Nothing else is asked of it.
    const standIn = /** @type {import('./native').EngineClass} */ (/** @type {unknown} */ (Engine));
    const handler = /** @type {import('./dispatcher').Handler} */ (/** @type {unknown} */ (app));
    this.#session = embeddedSession(agent, (req, res) => run(handler, undefined, req, res, (err) => conclude(err, req, res)), standIn);
  }

  async begin() {
    const { signal, dialogId = '' } = this.#options;
    await this.#session.link.start({ contacts: [], engine: {} }, []);
    if (signal) this.#offSignal = onAbort(signal, () => this.#giveUp());
    this.#receive(this.#request.toString(), this.#transaction, dialogId);
    // Nothing answers an ACK. When its handlers have run, that is all.
    if (this.#request.method === 'ACK') setImmediate(() => this.#finish(undefined));
  }

  /** The caller does not want to wait any longer. */
  #giveUp() {
    if (this.#request.method !== 'INVITE') {
      this.#fail(this.#options.signal?.reason);
      return;
    }
    this.#receive(this.#again('CANCEL'), this.#transaction, '');
    this.#finish(this.#response(`${statusLine(487)}\r\n`));
  }

  /**
   * @param {string} text
   * @param {string} transaction
   * @param {string} dialog
   */
  #receive(text, transaction, dialog) {
    const { address = '127.0.0.1', port = 5090, protocol = 'udp' } = this.#options;
    const [frame, index] = makeFrame(text, { source: 'network', protocol, address, port, transaction, dialog });
    this.#tell(Event.MESSAGE, 0, frame, index);
    this.#wake();
  }

  /**
   * @param {number} kind
   * @param {number} id
   * @param {string} frame
   * @param {string} index
   */
  #tell(kind, id, frame, index) {
    this.#events.push(kind, id, frame, index);
  }

  /** @param {(string | number)[]} batch */
  #take(batch) {
    for (let at = 0; at < batch.length; at += ENTRIES) {
      const [kind, id, head, text] = /** @type {[number, number, string, string]} */ (batch.slice(at, at + ENTRIES));
      if (kind === Command.PROXY) this.#proxy(id, head);
      else if (kind === Command.SIP) this.#send(id, text);
    }
    // The answers come in a turn of their own, as those of the engine do.
    setImmediate(() => this.#wake());
  }

  /**
   * @param {number} id
   * @param {string} text
   */
  #send(id, text) {
    if (this.#isOver) {
      this.#tell(Event.REFUSED, id, 'DRT_ERR_UNKNOWN_TRANSACTION|Response not sent due to unknown transaction', '');
      return;
    }
    const response = this.#response(text);
    const status = /** @type {number} */ (response.status);
    const isAnswer = this.#request.method === 'INVITE' && status >= 200 && status < 300;
    const dialog = this.#options.dialogId ?? (this.#request.method === 'INVITE' ? this.#dialog : '');
    if (id !== 0) this.#tell(Event.SENT, id, ...this.#echo(response, dialog));
    if (status < 200) {
      this.#provisional.push(response);
      return;
    }
    if (isAnswer) setImmediate(() => this.#receive(this.#again('ACK', response.get('to')), `${this.#transaction}-ack`, dialog));
    // The callbacks of the response are called before.
    setImmediate(() => setImmediate(() => this.#finish(response)));
    this.#isOver = true;
  }

  /**
   * @param {number} id
   * @param {string} head `transaction|remainInDialog|fullResponse|followRedirects|forking|provisional|final|destination…`
   */
  #proxy(id, head) {
    const [, , , , forking, , , ...destinations] = head.split('|');
    const { proxied = () => 200 } = this.#options;
    this.#proxied = [];
    let best = 0;
    for (const destination of destinations) {
      this.#proxied.push(destination);
      const status = proxied(destination);
      const response = this.#response(`${statusLine(status)}\r\n`);
      if (id !== 0) this.#tell(Event.BRANCH, id, ...this.#echo(response, ''));
      if (best === 0 || status < best || status >= 600) best = status;
      if (forking === 'serial' && (status < 300 || status >= 600)) break;
    }
    if (id !== 0) this.#tell(Event.DONE, id, '', '');
    this.#isOver = true;
    const final = this.#response(`${statusLine(best)}\r\n`);
    setImmediate(() => setImmediate(() => this.#finish(final)));
  }

  /**
   * @param {SipMessage} response
   * @param {string} dialog
   */
  #echo(response, dialog) {
    const { address = '127.0.0.1', port = 5090, protocol = 'udp' } = this.#options;
    return makeFrame(response.toString(), { source: 'application', protocol, address, port, transaction: this.#transaction, dialog });
  }

  /**
   * A response with what the engine fills in.
   *
   * @param {string} text
   */
  #response(text) {
    const response = new SipMessage(text);
    for (const name of ['via', 'from', 'call-id', 'cseq', 'record-route']) response.set(name, this.#request.get(name));
    const to = response.get('to') ?? this.#request.get('to') ?? '';
    if (!response.has('to')) response.set('to', parseNameAddr(to).params.tag === undefined ? `${to};tag=app` : to);
    return response;
  }

  get #dialog() {
    return `${this.#request.get('call-id')};from-tag=${parseNameAddr(this.#request.get('from') ?? '').params.tag ?? ''}`;
  }

  /**
   * Another request of the same transaction or dialog.
   *
   * @param {string} method
   * @param {string} [to]
   */
  #again(method, to = this.#request.get('to')) {
    const headers = Object.fromEntries(['via', 'from', 'call-id', 'max-forwards'].map((name) => [name, this.#request.get(name)]));
    const cseq = `${Number.parseInt(this.#request.get('cseq') ?? '1', 10)} ${method}`;
    return new SipMessage({ method, uri: this.#request.uri, headers: { ...headers, to, cseq } }).toString();
  }

  /** @param {SipMessage | undefined} message the final response */
  #finish(message) {
    this.#isOver = true;
    this.#offSignal();
    this.#resolve({
      status: message?.status ?? 0,
      reason: message?.reason ?? '',
      headers: message?.headers ?? {},
      body: message?.body ?? '',
      message,
      provisional: this.#provisional,
      proxied: this.#proxied,
    });
  }

  /** @param {unknown} err */
  #fail(err) {
    this.#isOver = true;
    this.#offSignal();
    this.#reject(err);
  }
}

module.exports = { inject };
