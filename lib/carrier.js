'use strict';

const { inspect } = require('node:util');
const { DEFAULT_PORT, readEnvelope, sourceOf } = require('./envelope');
const { joinHostPort } = require('./headers/uri');
const { HoldingEmitter } = require('./held_events');
const { SipMessage } = require('./sip_message');

/** @typedef {import('./envelope').Envelope} Envelope */
/** @typedef {import('./session').Session} Session */
/** @typedef {import('./headers/draft').HeaderValue} HeaderValue */

/** What is told of a message that has not travelled yet. */
const NOWHERE = Object.freeze({
  source: undefined,
  protocol: undefined,
  address: undefined,
  port: undefined,
  time: undefined,
  transactionId: undefined,
  dialogId: undefined,
  receivedAddress: undefined,
  receivedPort: undefined,
});

/**
 * Ties a request or response to the session it belongs to.
 *
 * @type {(carrier: Carrier, session: Session) => void}
 */
let setSession;

/**
 * The session of a request or response; undefined for one that an application made.
 *
 * @type {(carrier: Carrier) => Session | undefined}
 */
let sessionOf;

/**
 * Notes the frame by which a message travelled.
 *
 * @type {(carrier: Carrier, frame: string) => void}
 */
let setFrame;

/** What Request and Response have in common: a message, and how it travelled. */
class Carrier extends HoldingEmitter {
  /** @type {SipMessage | undefined} */
  #msg = undefined;
  #frame = '';
  /** @type {Partial<Envelope> | undefined} */
  #envelope = undefined;
  /** @type {Session | undefined} */
  #session = undefined;

  static {
    setSession = (carrier, session) => {
      carrier.#session = session;
      carrier.agent = session.agent;
    };
    sessionOf = (carrier) => carrier.#session;
    setFrame = (carrier, frame) => {
      carrier.#frame = frame;
      carrier.#envelope = undefined;
    };
  }

  constructor() {
    super();
    /** @type {import('./agent').Agent | undefined} */
    this.agent = undefined;
    /** Names the request, or the request that the response is for. @type {string | undefined} */
    this.stackTxnId = undefined;
  }

  /** @returns {SipMessage} */
  get msg() {
    this.#msg ??= this.makeMessage();
    return this.#msg;
  }

  set msg(msg) {
    this.#msg = msg;
  }

  /**
   * The message of one that has none yet.
   *
   * @protected
   */
  makeMessage() {
    return new SipMessage();
  }

  /**
   * The message, if there is one already.
   *
   * @protected
   */
  get existingMessage() {
    return this.#msg;
  }

  get #journey() {
    if (this.#envelope === undefined) {
      if (this.#frame === '') return NOWHERE;
      this.#envelope = readEnvelope(this.#frame);
    }
    return this.#envelope;
  }

  /** `network` for what was received, `application` for what was sent from here. */
  get source() {
    if (this.#envelope === undefined && this.#frame !== '') return sourceOf(this.#frame);
    return this.#journey.source;
  }

  /** The address of the other end. */
  get source_address() {
    return this.#journey.address;
  }

  /** The port of the other end. */
  get source_port() {
    return this.#journey.port;
  }

  /** The transport protocol, in lower case. */
  get protocol() {
    return this.#journey.protocol;
  }

  /** Where it was received: `address:port` of a listener of ours. */
  get receivedOn() {
    const { receivedAddress, receivedPort } = this.#journey;
    return receivedAddress && receivedPort ? joinHostPort(receivedAddress, receivedPort) : undefined;
  }

  /** When it was received or sent: `HH:MM:SS.uuuuuu`, UTC. */
  get stackTime() {
    return this.#journey.time;
  }

  /** Names the dialog; '' outside a dialog. */
  get stackDialogId() {
    return this.#journey.dialogId;
  }

  /** The socket that leads to the server it came from; undefined without a server. */
  get socket() {
    return this.#session?.link.socket;
  }

  /** The server it came from, as `{address, hostport}`; undefined without a server. */
  get server() {
    return this.#session?.link.server;
  }

  get meta() {
    const { source, address, port, protocol, time } = this.#journey;
    const { stackTxnId: transactionId, stackDialogId: dialogId } = this;
    return { source, source_address: address, source_port: port, protocol, time, transactionId, dialogId };
  }

  set meta(meta) {
    const { source, protocol, time, transactionId, dialogId } = meta;
    const given = /** @type {{address?: string, port?: number | string} & typeof meta} */ (meta);
    const address = given.address ?? given.source_address;
    const port = Number(given.port ?? given.source_port) || DEFAULT_PORT;
    this.#envelope = { source, protocol, address, port, time, transactionId, dialogId };
    this.stackTxnId = transactionId;
  }

  /**
   * The value of a header, whatever case or compact form it is named by.
   *
   * @param {string} name
   */
  get(name) {
    return this.msg.get(name);
  }

  /**
   * Whether the message has a header.
   *
   * @param {string} name
   */
  has(name) {
    return this.msg.has(name);
  }

  /**
   * How the name of a header is written in `headers`.
   *
   * @param {string} name
   */
  getHeaderName(name) {
    return this.msg.getHeaderName(name);
  }

  /**
   * What a header says, in a shape that depends on the header.
   *
   * @param {string} name
   */
  getParsedHeader(name) {
    return this.msg.getParsedHeader(name);
  }

  /**
   * Sets one header, or each of a table.
   *
   * @param {string | Record<string, HeaderValue>} name
   * @param {HeaderValue} [value]
   */
  set(name, value) {
    this.msg.set(name, value);
    return this;
  }

  get headers() {
    return this.msg.headers;
  }

  set headers(headers) {
    this.msg.headers = headers;
  }

  get body() {
    return this.msg.body;
  }

  set body(body) {
    this.msg.body = body;
  }

  get payload() {
    return this.msg.payload;
  }

  get type() {
    return this.msg.type;
  }

  get raw() {
    return this.msg.raw;
  }

  /** The message and how it travelled: nothing of the agent, no credentials of the application. */
  toJSON() {
    const { source, source_address, source_port, protocol, stackTime, stackTxnId, stackDialogId, msg } = this;
    return { source, source_address, source_port, protocol, stackTime, stackTxnId, stackDialogId, msg };
  }

  /**
   * @param {number} _depth
   * @param {import('node:util').InspectOptions} options
   */
  [inspect.custom](_depth, options) {
    return `${this.constructor.name} ${inspect(this.toJSON(), options)}`;
  }
}

module.exports = { Carrier, setSession, sessionOf, setFrame };
