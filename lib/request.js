'use strict';

const assert = require('node:assert');
const { Carrier, sessionOf, setFrame, setSession } = require('./carrier');
const { bodyText, headerLines, requestLine } = require('./headers/draft');
const { joinHostPort } = require('./headers/uri');
const { moveListeners } = require('./held_events');
const { passportMethods } = require('./passport');
const { promised } = require('./promised');
const { proxyCommand } = require('./proxy_command');
const { Proxying } = require('./proxying');
const { OVER, Responses } = require('./responses');
const { SipMessage } = require('./sip_message');

/** @typedef {import('./session').Session} Session */
/** @typedef {import('./response').Response} Response */
/** @typedef {import('./request_draft').RequestDraft} RequestDraft */
/** @typedef {import('./headers/draft').HeaderValue} HeaderValue */
/** @typedef {import('./proxy_results').ProxyResults} ProxyResults */
/** @typedef {(err: Error | null, req?: Request) => void} RequestCallback */

/**
 * Makes a request of a frame.
 *
 * @type {(session: Session, frame: string, message: SipMessage, transactionId: string) => Request}
 */
let createRequest;

/**
 * What a request that was sent from here was made from; undefined for any other.
 *
 * @type {(req: Request) => RequestDraft | undefined}
 */
let draftOf;

/**
 * Notes what a request was made from.
 *
 * @type {(req: Request, draft: RequestDraft) => void}
 */
let setDraft;

/**
 * Says that a request is being repeated with credentials, until it is `replace`d.
 *
 * @type {(req: Request) => void}
 */
let awaitSuccessor;

/**
 * Puts another request in the place of one that was challenged: who has the old one in hand
 * listens to the new one and cancels the new one. Without a successor the old one stays.
 *
 * @type {(req: Request, successor?: Request) => void}
 */
let replace;

/**
 * Takes note that a request that was sent gets no more responses.
 *
 * @type {(req: Request) => void}
 */
let setEnded;

/**
 * Takes note that a request is on its way along a recorded route.
 *
 * @type {(req: Request) => void}
 */
let setPassing;

/** What tells of the responses to a request that was sent. @type {(string | symbol)[]} */
const ANSWER_EVENTS = ['response', 'lost', OVER];

/** A request that has come, or one that was sent from here. */
class Request extends Carrier {
  /** @type {RequestDraft | undefined} */
  #draft = undefined;
  /** @type {Request | undefined} */
  #successor = undefined;
  /** What waits for the successor to be known. @type {(() => void)[] | undefined} */
  #waiting = undefined;
  #proxied = false;
  #passing = false;
  #ended = false;

  static {
    createRequest = (session, frame, message, transactionId) => {
      const req = new Request(message);
      setSession(req, session);
      setFrame(req, frame);
      req.stackTxnId = transactionId;
      return req;
    };
    draftOf = (req) => req.#draft;
    setDraft = (req, draft) => {
      req.#draft = draft;
      req.auth = draft.auth;
    };
    awaitSuccessor = (req) => {
      req.#waiting ??= [];
    };
    replace = (req, successor) => {
      if (successor !== undefined) {
        req.#successor = successor;
        for (const event of ANSWER_EVENTS) moveListeners(req, successor, event);
        req.emit('authenticate', successor);
      }
      const waiting = req.#waiting ?? [];
      req.#waiting = undefined;
      for (const action of waiting) action();
    };
    setEnded = (req) => {
      req.#ended = true;
    };
    setPassing = (req) => {
      req.#passing = true;
    };
  }

  /**
   * @param {SipMessage} [msg]
   * @param {Carrier['meta']} [meta]
   */
  constructor(msg, meta) {
    super();
    /** The response to send. @type {Response | undefined} */
    this.res = undefined;
    /** The application, or the mounted one, that has the request in hand. @type {import('./app').App | undefined} */
    this.app = undefined;
    /** @type {import('./request_draft').Auth | undefined} */
    this.auth = undefined;
    /** Who sent it, once `digestAuth` knows. @type {import('./digest_auth').Authorization | undefined} */
    this.authorization = undefined;
    if (msg !== undefined) {
      assert(msg instanceof SipMessage, 'Request: msg must be a SipMessage');
      this.msg = msg;
    }
    if (meta !== undefined) this.meta = meta;
  }

  get method() {
    return this.msg.method;
  }

  set method(method) {
    this.msg.method = method;
  }

  get uri() {
    return this.msg.uri;
  }

  set uri(uri) {
    this.msg.uri = uri;
  }

  /** The request-URI, by the name that express gives it. */
  get url() {
    return this.msg.uri;
  }

  set url(uri) {
    this.msg.uri = uri;
  }

  get calledNumber() {
    return this.msg.calledNumber;
  }

  get callingNumber() {
    return this.msg.callingNumber;
  }

  get callingName() {
    return this.msg.callingName;
  }

  get canFormDialog() {
    return this.msg.canFormDialog;
  }

  /**
   * The way back to who sent the request, as a URI for the option `proxy` of `request`: over the same
   * connection or not at all.
   */
  get flow() {
    const { source, source_address: address, source_port: port, protocol } = this;
    if (source !== 'network' || address === undefined || port === undefined) return undefined;
    return `sip:${joinHostPort(address, port)};transport=${protocol};ob`;
  }

  /** Whether this is an INVITE outside every dialog. */
  get isNewInvite() {
    return this.method === 'INVITE' && this.msg.canFormDialog;
  }

  /** Names the dialog; '' outside a dialog. */
  get stackDialogId() {
    return this.replaces === undefined ? super.stackDialogId : '';
  }

  /** The dialog id of the call that this INVITE is to replace (RFC 3891); undefined if there is none. */
  get replaces() {
    const dialogId = super.stackDialogId;
    const isReplacing = dialogId && this.source === 'network' && this.isNewInvite && this.has('replaces');
    return isReplacing ? dialogId : undefined;
  }

  /**
   * Whether this is a request inside a dialog of others, on its way along a route that was recorded here: what
   * `app.onInDialog` is asked about.
   */
  get passing() {
    return this.#passing;
  }

  /** Whether the request has been given to the engine to proxy: it is not to be answered here. */
  get proxied() {
    return this.#proxied;
  }

  /**
   * @param {string | symbol} event
   * @param {(...args: any[]) => void} listener
   */
  on(event, listener) {
    if (this.#successor !== undefined && ANSWER_EVENTS.includes(event)) {
      this.#successor.on(event, listener);
      return this;
    }
    if (event === 'update') sessionOf(this)?.hearUpdates(this);
    return super.on(event, listener);
  }

  /**
   * @param {string | symbol} event
   * @param {(...args: any[]) => void} listener
   */
  removeListener(event, listener) {
    if (this.#successor !== undefined) this.#successor.removeListener(event, listener);
    return super.removeListener(event, listener);
  }

  /**
   * The responses to this request, which was sent from here, one after the other: `for await (const res of
   * req.responses())`. The loop ends after the final response; with `forks: 'all'` when no further fork can accept.
   *
   * @param {{signal?: AbortSignal}} [options] ends the loop with an error
   */
  responses({ signal = this.#draft?.options?.signal ?? undefined } = {}) {
    if (this.source !== 'application') throw wrongSide('Request#responses can only be used for uac Request');
    return new Responses(this, () => this.#isEnded, signal);
  }

  /** @returns {boolean} */
  get #isEnded() {
    return this.#successor === undefined ? this.#ended : this.#successor.#isEnded;
  }

  /**
   * Cancels an INVITE that was sent from here and has no final response yet.
   *
   * @param {{headers?: Record<string, HeaderValue>} | RequestCallback} [options] headers for the CANCEL
   * @param {RequestCallback} [callback] gets the CANCEL as sent
   * @returns {Promise<Request> | undefined} without a callback, a promise of the CANCEL
   */
  cancel(options, callback) {
    const session = sessionOf(this);
    if (this.source !== 'application' || session === undefined) {
      throw wrongSide('Request#cancel can only be used for uac Request');
    }
    const done = typeof options === 'function' ? options : callback;
    const headers = typeof options === 'function' ? undefined : options?.headers;
    const text = requestLine('CANCEL', /** @type {string} */ (this.uri)) + headerLines(headers) + bodyText(undefined);
    if (done === undefined) return promised((settle) => this.#cancel(session, text, settle));
    this.#cancel(session, text, done);
    return undefined;
  }

  /**
   * @param {Session} session
   * @param {string} text
   * @param {RequestCallback} callback
   */
  #cancel(session, text, callback) {
    if (this.#waiting !== undefined) this.#waiting.push(() => this.#cancel(session, text, callback));
    else if (this.#successor !== undefined) this.#successor.#cancel(session, text, callback);
    else session.request({ head: `${this.stackTxnId}||`, text }, callback);
  }

  /**
   * Proxies the request.
   *
   * @param {import('./proxy_command').ProxyOptions} [options]
   * @param {(err: Error | null, results?: ProxyResults) => void} [callback]
   * @returns {this | Promise<ProxyResults>} the request when there is a callback
   */
  proxy(options, callback) {
    const session = sessionOf(this);
    if (this.source !== 'network' || session === undefined) {
      throw wrongSide('Request#proxy can only be used for incoming requests');
    }
    const command = proxyCommand(this, options ?? {});
    const signal = options?.signal;
    if (callback === undefined) return promised((settle) => this.#proxy(session, command, signal, settle));
    this.#proxy(session, command, signal, callback);
    return this;
  }

  /**
   * @param {Session} session
   * @param {{head: string, text: string}} command
   * @param {AbortSignal | null | undefined} signal
   * @param {(err: Error | null, results?: ProxyResults) => void} callback
   */
  #proxy(session, { head, text }, signal, callback) {
    if (signal?.aborted) {
      process.nextTick(callback, signal.reason);
      return;
    }
    this.#proxied = true;
    const proxying = new Proxying(this, session, signal, (err, results) => {
      // Then it can still be answered.
      if (err !== null) this.#proxied = false;
      callback(err, results);
    });
    session.proxy(head, text, proxying);
  }
}

Object.assign(Request.prototype, passportMethods);

/** @param {string} message */
function wrongSide(message) {
  return Object.assign(new Error(message), { code: 'DRT_ERR_WRONG_SIDE' });
}

module.exports = { Request, createRequest, draftOf, setDraft, setEnded, awaitSuccessor, replace, setPassing };
