'use strict';

const { AssertionError } = require('node:assert');
const { Carrier, sessionOf, setFrame } = require('./carrier');
const { CHANNELS } = require('./channels');
const { DrachtioError, misuse } = require('./errors');
const { bodyText, headerLine, headerLines, requestLine } = require('./headers/draft');
const { lowerName } = require('./headers/names');
const { promised } = require('./promised');
const { Sending } = require('./sending');
const { SipMessage } = require('./sip_message');
const { reasonPhrase, statusLine } = require('./status');

/** @typedef {import('./request').Request} Request */
/** @typedef {import('./session').Session} Session */
/** @typedef {import('./headers/draft').HeaderValue} HeaderValue */
/** @typedef {{headers?: Record<string, HeaderValue>, body?: string | Uint8Array}} SendOptions */
/** @typedef {(err: Error | null, msg?: SipMessage) => void} SentCallback */
/** @typedef {(req: Request) => void} AckCallback */
/** @typedef {(options?: SendOptions | SentCallback, callback?: SentCallback) => void} Acknowledge */

/** The transaction of a request that the engine has sent by itself, and tells of. */
const UNSOLICITED = 'unsolicited';

/** Headers that tie a response to its request: the engine copies them from there. */
const COPIED = Object.freeze(['call-id', 'cseq', 'from', 'to']);

/** Headers whose syntax the engine checks before it sends a response. */
const CHECKED = new Set(['contact', 'path', 'service-route']);

/** A response of this many characters is not refused for its size. */
const SAFE_LENGTH = 8000;

const TOO_LATE = 'Response#send: how a response goes must be awaited in the turn of the event loop in which it is sent';

/** The draft of this response was refused, and the request can still be answered. */
const STILL_OPEN = 'DRT_ERR_MALFORMED_RESPONSE';

/**
 * Takes note that a final response was not sent after all, and the request still waits for one.
 *
 * @type {(response: Response) => void}
 */
let reopen;

/**
 * Takes note that the engine has answered the request: nothing can be sent any more.
 *
 * @type {(response: Response, err: Error) => void}
 */
let overrule;

/**
 * The answer to a request: one that is to be sent, or one that has come.
 */
class Response extends Carrier {
  /** @type {number | undefined} */
  #status = undefined;
  #final = false;
  /** Why the engine has answered the request by itself. @type {Error | undefined} */
  #overruled = undefined;

  static {
    reopen = (response) => {
      response.#final = false;
    };
    overrule = (response, err) => {
      response.#final = true;
      response.#overruled = err;
    };
  }

  /** @param {import('./agent').Agent} [agent] */
  constructor(agent) {
    super();
    this.agent = agent;
    /** The request that this answers. @type {Request | undefined} */
    this.req = undefined;
  }

  /** @protected */
  makeMessage() {
    const message = new SipMessage();
    if (this.#status !== undefined) message.status = this.#status;
    for (const name of COPIED) message.set(name, this.req?.get(name));
    return message;
  }

  get status() {
    return this.existingMessage?.status ?? this.#status;
  }

  set status(status) {
    this.#status = status;
    if (this.existingMessage !== undefined) this.existingMessage.status = status;
  }

  /** The status, by the name that express gives it. */
  get statusCode() {
    return this.status;
  }

  set statusCode(status) {
    this.status = status;
  }

  get reason() {
    return this.msg.reason;
  }

  set reason(reason) {
    this.msg.reason = reason;
  }

  /** Whether a final response has been sent. */
  get finalResponseSent() {
    return this.#final;
  }

  get finished() {
    return this.#final;
  }

  get headersSent() {
    return this.#final;
  }

  /**
   * Sends a response. The forms: `(status)`, then optionally a reason, then optionally options,
   * then optionally a callback, then optionally a function for the ACK or PRACK.
   *
   * Headers given here belong to this message alone, and stand for those of the same name that
   * were set with `set`, which go into every response to this request.
   *
   * @param {number} status
   * @param {string | SendOptions | SentCallback | null} [reason]
   * @param {SendOptions | SentCallback | AckCallback | null} [options]
   * @param {SentCallback | AckCallback} [callback] told how it went: the error, or the message as sent
   * @param {AckCallback} [onAck] called when the ACK for a 2xx to an INVITE, or the PRACK for a
   *   reliable provisional response, arrives
   * @returns {Sending | undefined} without a callback, a promise of the message as it was sent. It has to be awaited in the
   *   turn of the event loop in which it was made
   */
  send(status, reason, options, callback, onAck) {
    let phrase = reason;
    let given = options;
    let done = callback;
    let acknowledged = onAck;
    if (typeof reason === 'function') {
      [phrase, given, done, acknowledged] = [undefined, undefined, reason, /** @type {AckCallback} */ (options)];
    } else if (typeof reason === 'object' && reason !== null) {
      phrase = undefined;
      given = reason;
      done = /** @type {SentCallback} */ (options);
      acknowledged = /** @type {AckCallback} */ (callback);
    } else if (typeof options === 'function') {
      [given, done, acknowledged] = [undefined, options, /** @type {AckCallback} */ (callback)];
    }
    const line = statusLine(status, phrase);
    const draft = /** @type {SendOptions | undefined} */ (given);
    const text = line + this.#copies(draft) + this.#draft(draft);
    const isSafe = this.existingMessage === undefined && text.length <= SAFE_LENGTH && !hasChecked(draft?.headers);
    const sending = this.#submit(status, text, isSafe, /** @type {SentCallback | undefined} */ (done), acknowledged);
    if (status >= 200 && this.listenerCount('end') > 0) {
      this.emit('end', { status, reason: phrase ?? reasonPhrase(status) });
    }
    if (CHANNELS.responseSent.hasSubscribers) CHANNELS.responseSent.publish({ agent: this.agent, req: this.req, res: this, status });
    return done === undefined ? sending : undefined;
  }

  /**
   * @param {number} status
   * @param {string} text
   * @param {boolean} isSafe whether there is nothing in it that the engine could refuse
   * @param {SentCallback | undefined} callback
   * @param {AckCallback | undefined} onAck
   */
  #submit(status, text, isSafe, callback, onAck) {
    const session = sessionOf(this);
    if (session === undefined) throw misuse('Response#send: this response belongs to no request', 'DRT_ERR_INVALID_ARGUMENT');
    if (this.#final) {
      const err = this.#overruled ?? new DrachtioError('Response#send: final response already sent', 'DRT_ERR_FINAL_ALREADY_SENT');
      if (callback) process.nextTick(callback, err);
      return new SettledSending(err);
    }
    this.status = status;
    if (status >= 200) {
      this.#final = true;
      session.finished(this);
    }
    if (this.stackTxnId === UNSOLICITED) {
      if (callback) process.nextTick(callback, null);
      return new SettledSending(null);
    }
    // With nobody to call back there is nothing to hear of, which spares the making of an echo.
    const isHeard = callback !== undefined || onAck !== undefined || !isSafe;
    const sent = new SentResponse(this, session, status, callback, onAck, isHeard ? undefined : session.link.place);
    session.respond(/** @type {string} */ (this.stackTxnId), text, isHeard ? sent : undefined);
    return sent;
  }

  /**
   * What ties a response to its request. The engine of this process knows; servers of old may look for it.
   *
   * @param {SendOptions | null | undefined} options
   */
  #copies(options) {
    if (!sessionOf(this)?.link.isRemote) return '';
    const own = new Set(Object.keys(options?.headers ?? {}).map(lowerName));
    let lines = '';
    for (const name of COPIED) {
      const value = own.has(name) ? undefined : this.req?.get(name);
      if (value !== undefined) lines += headerLine(name === 'call-id' ? 'Call-ID' : name, value);
    }
    return lines;
  }

  /** @param {SendOptions | null | undefined} options */
  #draft(options) {
    const own = options?.headers;
    const message = this.existingMessage;
    if (message === undefined) return headerLines(own) + bodyText(options?.body);
    const stickyBody = message.body === '' ? undefined : message.body;
    return this.#stickyLines(message, own) + headerLines(own) + bodyText(options?.body ?? stickyBody);
  }

  /**
   * The headers that were set on this response, without those that the message has of its own.
   *
   * @param {SipMessage} message
   * @param {Record<string, HeaderValue> | null | undefined} own
   */
  #stickyLines(message, own) {
    const taken = new Set(Object.keys(own ?? {}).map(lowerName));
    let lines = '';
    for (const [name, value] of Object.entries(message.headers)) {
      const lower = lowerName(name);
      const isCopy = COPIED.includes(lower) && value === this.req?.get(lower);
      if (!isCopy && !taken.has(lower)) lines += headerLine(name, value);
    }
    return lines;
  }

  /**
   * Acknowledges this response, which was received: a final one to an INVITE with an ACK, a reliable provisional one
   * with a PRACK. The same as the function that comes with the `response` event.
   *
   * @param {SendOptions | SentCallback} [options]
   * @param {SentCallback} [callback]
   * @returns {Promise<SipMessage | undefined> | undefined} without a callback, a promise of the message as it was sent;
   *   undefined in it when the response needs no acknowledgement
   */
  ack(options, callback) {
    if (this.req?.method === 'INVITE') {
      const status = /** @type {number} */ (this.status);
      // The engine acknowledges failures itself (RFC 3261 §17.1.1.3), and says so to who has a callback for it.
      if (status >= 300 && typeof (callback ?? options) !== 'function') return Promise.resolve(undefined);
      if (status >= 200) return this.sendAck(this.stackDialogId, options, callback);
      if (status > 100 && this.has('rseq')) return this.sendPrack(this.stackDialogId, options, callback);
    }
    return Promise.resolve(undefined);
  }

  /**
   * Sends the ACK for this response. Applications use the function that comes with the `response`
   * event.
   *
   * @param {string | undefined} dialogId
   * @param {SendOptions | SentCallback} [options]
   * @param {SentCallback} [callback]
   */
  sendAck(dialogId, options, callback) {
    return this.#acknowledge('ACK', dialogId, undefined, options, callback);
  }

  /**
   * Sends the PRACK for this response (RFC 3262).
   *
   * @param {string | undefined} dialogId
   * @param {SendOptions | SentCallback} [options]
   * @param {SentCallback} [callback]
   */
  sendPrack(dialogId, options, callback) {
    const rack = `${this.get('rseq')} ${this.get('cseq')}`;
    return this.#acknowledge('PRACK', dialogId, { RAck: rack }, options, callback);
  }

  /**
   * @param {string} method
   * @param {string | undefined} dialogId
   * @param {Record<string, HeaderValue> | undefined} headers
   * @param {SendOptions | SentCallback} [options]
   * @param {SentCallback} [callback]
   * @returns {Promise<SipMessage> | undefined}
   */
  #acknowledge(method, dialogId, headers, options, callback) {
    const done = typeof options === 'function' ? options : callback;
    const given = typeof options === 'function' ? undefined : options;
    const session = sessionOf(this);
    if (session === undefined) throw misuse('this response belongs to no request', 'DRT_ERR_INVALID_ARGUMENT');
    const text = requestLine(method, this.req?.uri ?? 'sip:placeholder') + headerLines({ ...given?.headers, ...headers }) + bodyText(given?.body);
    const draft = { head: `||${dialogId ?? ''}`, text };
    if (done === undefined) return promised((settle) => session.request(draft, (err, req) => settle(err, req?.msg)));
    session.request(draft, (err, req) => done(err, req?.msg));
    return undefined;
  }

  /** @param {string} name */
  getHeader(name) {
    return this.get(name);
  }

  /**
   * @param {string} name
   * @param {HeaderValue} value
   */
  setHeader(name, value) {
    return this.set(name, value);
  }

  /** Does nothing: what express middleware removes was never there. */
  removeHeader() {}

  /**
   * Sends the response whose `statusCode` has been set.
   *
   * @param {string | (() => void)} [reason]
   * @param {string | (() => void)} [encoding] of no meaning here
   * @param {() => void} [callback]
   */
  end(reason, encoding, callback) {
    if (this.#final) throw new AssertionError({ message: 'call to Response#end after response is finished' });
    const done = [reason, encoding, callback].find((arg) => typeof arg === 'function');
    const text = typeof reason === 'string' ? reason : undefined;
    this.send(/** @type {number} */ (this.status), text, undefined, /** @type {SentCallback | undefined} */ (done));
  }
}

/**
 * Whether there is a header whose syntax the engine checks.
 *
 * @param {Record<string, HeaderValue> | null | undefined} headers
 */
function hasChecked(headers) {
  if (headers === undefined || headers === null) return false;
  for (const name of Object.keys(headers)) if (CHECKED.has(lowerName(name))) return true;
  return false;
}

/** A response on its way to the engine. */
class SentResponse extends Sending {
  #response;
  #session;
  #status;
  #callback;
  #onAck;
  #place;
  /** How it went. @type {[Error | null, SipMessage?] | undefined} */
  #outcome = undefined;
  /** Who else is to be told. @type {SentCallback | undefined} */
  #waiting = undefined;

  /**
   * @param {Response} response
   * @param {Session} session
   * @param {number} status
   * @param {SentCallback | undefined} callback
   * @param {AckCallback | undefined} onAck
   * @param {number | undefined} place where its command stands, if the engine has not been asked to answer it
   */
  constructor(response, session, status, callback, onAck, place) {
    super();
    this.#response = response;
    this.#session = session;
    this.#status = status;
    this.#callback = callback;
    this.#onAck = onAck;
    this.#place = place;
  }

  /**
   * @protected
   * @param {SentCallback} callback
   */
  hear(callback) {
    if (this.#outcome !== undefined) callback(...this.#outcome);
    else if (this.#place === undefined || this.#session.link.hear(this.#place, this)) this.#waiting = callback;
    else callback(misuse(TOO_LATE, 'DRT_ERR_AWAITED_TOO_LATE'));
  }

  /**
   * @param {Error | null} err
   * @param {SipMessage} [message]
   */
  #conclude(err, message) {
    this.#outcome = [err, message];
    this.#waiting?.(err, message);
    this.#callback?.(err, message);
  }

  /**
   * @param {string} frame
   * @param {string} index
   */
  sent(frame, index) {
    setFrame(this.#response, frame);
    const message = this.#session.message(frame, index);
    if (this.#onAck !== undefined) this.#session.awaitAck(this.#response, message, this.#onAck);
    this.#conclude(null, message);
  }

  /** @param {Error & {code?: string}} err */
  refused(err) {
    const unanswered = this.#status >= 200 && err.code === STILL_OPEN;
    if (unanswered) reopen(this.#response);
    const isHeard = this.#callback !== undefined || this.#waiting !== undefined;
    this.#conclude(err);
    if (!isHeard && unanswered && this.#status !== 500) {
      // Nobody else is going to answer this request.
      console.error(err);
      this.#response.send(500);
    }
  }
}

/** A sending of which it is known at once how it goes. */
class SettledSending extends Sending {
  #err;

  /** @param {Error | null} err */
  constructor(err) {
    super();
    this.#err = err;
  }

  /**
   * @protected
   * @param {SentCallback} callback
   */
  hear(callback) {
    callback(this.#err);
  }
}

module.exports = { Response, overrule };
