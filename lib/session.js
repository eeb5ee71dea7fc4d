'use strict';

const { onAbort } = require('./abort');
const { DrachtioError, disconnected, throwLater } = require('./errors');
const { Command } = require('./command_link');
const { readEnvelope, transactionOf } = require('./envelope');
const { setFrame, setSession } = require('./carrier');
const { CHANNELS } = require('./channels');
const { DigestClient } = require('./digest_client');
const { WireNames } = require('./headers/wire_names');
const { bodyText, requestLine } = require('./headers/draft');
const { tell } = require('./held_events');
const { EarlyUpdates } = require('./early_updates');
const { readClosedConnection } = require('./closed_connection');
const { createRequest, draftOf, setDraft, setEnded, setPassing } = require('./request');
const { OVER } = require('./responses');
const { Response, overrule } = require('./response');
const { fromFrame } = require('./sip_message');
const { Table } = require('./table');

/** @typedef {import('./agent').Agent} Agent */
/** @typedef {import('./request').Request} Request */
/** @typedef {import('./request_draft').RequestDraft} RequestDraft */
/** @typedef {import('./sip_message').SipMessage} SipMessage */
/** @typedef {import('./command_link').Answer} Answer */
/** @typedef {import('./engine_link').EngineLink | import('./remote/link').ServerLink | import('./remote/link').AcceptedLink} Link */
/** @typedef {import('./remote/connection').Greeting} Greeting */

/**
 * How many received requests without a final response are remembered. Beyond it the oldest is
 * forgotten: it can still be answered, but what becomes of it meanwhile is not told.
 */
const MAX_OPEN_REQUESTS = 50_000;

/**
 * How many INVITEs are remembered that have been accepted and whose every fork is wanted. Of those before them no further
 * fork is heard.
 */
const MAX_FORKING = 1_000;

/** The `ack` of a response that needs none. */
const NO_ACK = () => Promise.resolve(undefined);

/**
 * What is under way on one engine: the requests that were sent and those that came, and what each
 * side still owes the other.
 *
 * @template {Link} [L=Link]
 */
class Session {
  #handler;
  #names;
  /** Requests sent from here that have no final response, by transaction. @type {Table<string, Request>} */
  #sent = new Table();
  /** INVITEs that were accepted and may be again, by another fork, by transaction. @type {Map<string, {req: Request, timer: NodeJS.Timeout}>} */
  #forking = new Map();
  /** Requests that came and have no final response, by transaction. @type {Table<string, Request>} */
  #open = new Table();
  /** Who waits for the ACK of a dialog, or the PRACK with an RSeq in it. @type {Table<string, import('./response').AckCallback>} */
  #acks = new Table();
  /** Responses that were sent in this turn of the event loop. @type {Response[]} */
  #finished = [];
  #digest = new DigestClient();
  #updates = new EarlyUpdates();
  /** What takes the listeners off the signals of requests that are under way, by transaction. @type {Map<string, () => void>} */
  #signals = new Map();

  /**
   * @param {Agent} agent
   * @param {(req: Request, res: Response) => void} handler gets every request that comes
   * @param {readonly string[]} headerNames the canonical name of each header by its number
   * @param {(session: Session<any>) => L} makeLink where the engine is
   */
  constructor(agent, handler, headerNames, makeLink) {
    this.agent = agent;
    this.#handler = handler;
    this.#names = new WireNames(headerNames);
    this.link = makeLink(this);
  }

  /** Whether nothing is awaited: no answer of the engine, no final response, no ACK or PRACK. */
  get idle() {
    return this.link.idle && this.#sent.size === 0 && this.#acks.size === 0;
  }

  /**
   * The message of a frame.
   *
   * @param {string} frame
   * @param {string} index
   */
  message(frame, index) {
    return fromFrame(frame, index, this.#names);
  }

  /** @param {string} text */
  onConnectionClosed(text) {
    this.agent.connectionClosed(this, readClosedConnection(text));
  }

  /**
   * Something has come from the network, or the engine tells of what it did by itself.
   *
   * @param {string} frame
   * @param {string} index
   */
  onMessage(frame, index) {
    const transaction = transactionOf(frame);
    if (this.link.isAccepted) this.agent.noteDialog(this, readEnvelope(frame).dialogId);
    if (frame.startsWith('SIP/', index.charCodeAt(0))) this.#receiveResponse(frame, index, transaction);
    else this.#receiveRequest(frame, index, transaction);
  }

  /** The turn of the event loop ends in which responses were sent. */
  onFlush() {
    if (this.#finished.length === 0) return;
    const finished = this.#finished;
    this.#finished = [];
    for (const res of finished) {
      try {
        res.emit('finish');
      } catch (err) {
        throwLater(err);
      }
    }
  }

  /**
   * @param {string} frame
   * @param {string} index
   * @param {string} transaction
   */
  #receiveRequest(frame, index, transaction) {
    const message = this.message(frame, index);
    const { method } = message;
    if (method === 'CANCEL' && this.#cancelInvite(transaction, message)) return;
    const { req, res } = this.#requestOf(frame, message, transaction);
    if (method !== 'ACK' && method !== 'CANCEL') this.#remember(transaction, req);
    if (method !== 'INVITE' && this.#acks.size > 0) this.#settleAck(req);
    if (CHANNELS.requestReceived.hasSubscribers) CHANNELS.requestReceived.publish({ agent: this.agent, req, res });
    if (method === 'UPDATE' && this.#updates.emit(req, res)) return;
    this.#handler(req, res);
  }

  /**
   * A request inside a dialog of others is about to pass along its recorded route.
   *
   * @param {string} frame
   * @param {string} index
   */
  onPassing(frame, index) {
    const transaction = transactionOf(frame);
    const { req, res } = this.#requestOf(frame, this.message(frame, index), transaction);
    setPassing(req);
    this.#remember(transaction, req);
    if (CHANNELS.requestReceived.hasSubscribers) CHANNELS.requestReceived.publish({ agent: this.agent, req, res });
    this.agent.decide(req, res);
  }

  /**
   * A request that has come, and what it is to be answered with.
   *
   * @param {string} frame
   * @param {SipMessage} message
   * @param {string} transaction
   */
  #requestOf(frame, message, transaction) {
    const req = createRequest(this, frame, message, transaction);
    const res = new Response();
    setSession(res, this);
    res.stackTxnId = transaction;
    res.req = req;
    req.res = res;
    return { req, res };
  }

  /**
   * @param {string} transaction
   * @param {Request} req
   */
  #remember(transaction, req) {
    this.#open.set(transaction, req);
    if (this.#open.size <= MAX_OPEN_REQUESTS) return;
    for (const oldest of this.#open.keys()) {
      this.#open.delete(oldest);
      return;
    }
  }

  /**
   * The engine has answered a request in place of the application.
   *
   * @param {string} text `transaction|status|code|text`
   */
  onAnswered(text) {
    const [transaction, status, code] = text.split('|', 3);
    const req = this.#open.get(transaction);
    if (req === undefined) return;
    this.#open.delete(transaction);
    this.#updates.remove(req);
    const reason = text.slice(transaction.length + status.length + code.length + 3);
    const err = Object.assign(new DrachtioError(reason, code), { status: Number(status) });
    if (req.res !== undefined) overrule(req.res, err);
    tell(req, 'refused', err);
  }

  /**
   * @param {string} transaction
   * @param {SipMessage} message
   */
  #cancelInvite(transaction, message) {
    const invite = this.#open.get(transaction);
    if (invite === undefined) return false;
    this.#open.delete(transaction);
    this.#updates.remove(invite);
    tell(invite, 'cancel', message);
    return true;
  }

  /**
   * A request has come that may be the ACK or PRACK that somebody waits for, or that ends the wait.
   *
   * @param {Request} req
   */
  #settleAck(req) {
    const { method, stackDialogId: dialog = '' } = req;
    const key = method === 'PRACK' ? prackKey(dialog, req.get('rack')) : dialog;
    const callback = this.#acks.get(key);
    if (callback === undefined || (method !== 'ACK' && method !== 'PRACK' && method !== 'BYE')) return;
    this.#acks.delete(key);
    if (method !== 'BYE') callback(req);
  }

  /**
   * @param {string} frame
   * @param {string} index
   * @param {string} transaction
   */
  #receiveResponse(frame, index, transaction) {
    const req = this.#sent.get(transaction) ?? this.#forking.get(transaction)?.req;
    if (req === undefined) return;
    const res = new Response();
    setSession(res, this);
    setFrame(res, frame);
    res.msg = this.message(frame, index);
    res.stackTxnId = transaction;
    res.req = req;
    const ack = acknowledgement(req, res);
    if (CHANNELS.responseReceived.hasSubscribers) CHANNELS.responseReceived.publish({ agent: this.agent, req, res });
    if (/** @type {number} */ (res.status) < 200) {
      tell(req, 'response', res, ack);
      return;
    }
    /** @param {boolean} isReplaced whether another request has taken the place of this one */
    const settle = (isReplaced) => {
      this.#settle(transaction, req);
      if (isReplaced) return;
      if (this.#forking.has(transaction)) {
        // Another fork has accepted.
      } else if (mayForkFurther(req, res)) {
        this.#expectForks(transaction, req);
      } else {
        setEnded(req);
      }
      tell(req, 'response', res, ack);
    };
    if (!this.#digest.answer(this, req, res, settle)) settle(false);
  }

  /**
   * @param {string} transaction
   * @param {Request} req
   */
  #expectForks(transaction, req) {
    const timer = setTimeout(() => this.#endForks(transaction), this.link.transactionTime).unref();
    this.#forking.set(transaction, { req, timer });
    if (this.#forking.size <= MAX_FORKING) return;
    for (const oldest of this.#forking.keys()) {
      this.#endForks(oldest);
      return;
    }
  }

  /**
   * No further fork accepts an INVITE.
   *
   * @param {string} transaction
   */
  #endForks(transaction) {
    const { req, timer } = /** @type {{req: Request, timer: NodeJS.Timeout}} */ (this.#forking.get(transaction));
    clearTimeout(timer);
    this.#forking.delete(transaction);
    setEnded(req);
    req.emit(OVER);
  }

  /**
   * Sends a request.
   *
   * @param {RequestDraft} draft
   * @param {import('./request').RequestCallback} callback
   */
  request(draft, callback) {
    const signal = draft.options?.signal;
    if (signal?.aborted) {
      process.nextTick(callback, signal.reason);
      return;
    }
    const prepared = this.#digest.prepare(draft);
    this.link.submit(Command.SIP, prepared.head, prepared.text, {
      sent: (frame, index) => {
        const req = this.#track(prepared, frame, index);
        // A repetition is cancelled by way of the request that it repeats.
        const isFirst = draft.repetitions === undefined;
        if (signal) this.#heed(signal, req, isFirst);
        if (signal?.aborted && isFirst) callback(signal.reason);
        else callback(null, req);
      },
      refused: callback,
    });
  }

  /**
   * Cancels an INVITE when a signal says so.
   *
   * @param {AbortSignal} signal
   * @param {Request} req
   * @param {boolean} isFirst whether it repeats no other request
   */
  #heed(signal, req, isFirst) {
    if (req.method !== 'INVITE') return;
    const cancel = () => void req.cancel();
    if (signal.aborted) {
      if (isFirst) cancel();
      return;
    }
    this.#signals.set(req.stackTxnId ?? '', onAbort(signal, cancel));
  }

  /**
   * A request that was sent has its final response, or gets none.
   *
   * @param {string} transaction
   * @param {Request} req
   */
  #settle(transaction, req) {
    this.#sent.delete(transaction);
    this.#updates.remove(req);
    if (this.#signals.size === 0) return;
    this.#signals.get(transaction)?.();
    this.#signals.delete(transaction);
  }

  /**
   * @param {RequestDraft} draft
   * @param {string} frame
   * @param {string} index
   */
  #track(draft, frame, index) {
    const transaction = transactionOf(frame);
    const req = createRequest(this, frame, this.message(frame, index), transaction);
    if (draft.auth || draft.options?.signal || draft.options?.forks) setDraft(req, draft);
    if (req.method !== 'ACK' && req.method !== 'CANCEL') this.#sent.set(transaction, req);
    if (CHANNELS.requestSent.hasSubscribers) CHANNELS.requestSent.publish({ agent: this.agent, req });
    return req;
  }

  /**
   * Sends a response.
   *
   * @param {string} transaction
   * @param {string} text
   * @param {Answer} [answer]
   */
  respond(transaction, text, answer) {
    this.link.submit(Command.SIP, `${transaction}||`, text, answer);
  }

  /**
   * Has a request proxied.
   *
   * @param {string} head
   * @param {string} text
   * @param {Answer} answer
   */
  proxy(head, text, answer) {
    this.link.submit(Command.PROXY, head, text, answer);
  }

  /**
   * Stops the search for somebody who takes a proxied request. How that ends is told to who has it proxied.
   *
   * @param {Request} req
   */
  stopProxying(req) {
    this.link.submit(Command.SIP, `${req.stackTxnId}||`, requestLine('CANCEL', /** @type {string} */ (req.uri)) + bodyText(undefined));
  }

  /**
   * A final response has been handed to the engine.
   *
   * @param {Response} res
   */
  finished(res) {
    if (res.req !== undefined) this.answered(res.req);
    this.#finished.push(res);
    this.link.scheduleFlush();
  }

  /**
   * A request is over: there is nothing to cancel any more.
   *
   * @param {Request} req
   */
  answered(req) {
    this.#open.delete(req.stackTxnId ?? '');
    this.#updates.remove(req);
  }

  /**
   * Calls back when the ACK for a 2xx to an INVITE comes, or the PRACK for a reliable provisional
   * response. Other responses are not acknowledged.
   *
   * @param {Response} res
   * @param {SipMessage} message the response as it was sent
   * @param {import('./response').AckCallback} callback
   */
  awaitAck(res, message, callback) {
    const dialog = res.stackDialogId ?? '';
    const status = /** @type {number} */ (message.status);
    if (status < 200) {
      const rseq = message.get('rseq');
      if (rseq !== undefined) this.#acks.set(prackKey(dialog, rseq), callback);
    } else if (status < 300 && res.req?.method === 'INVITE') {
      this.#acks.set(dialog, callback);
    }
  }

  /**
   * A listener for `update` has been added to a request.
   *
   * @param {Request} req
   */
  hearUpdates(req) {
    const transaction = req.stackTxnId ?? '';
    if (this.#open.get(transaction) === req || this.#sent.get(transaction) === req) this.#updates.add(req);
  }

  /**
   * A call detail record.
   *
   * @param {string} frame
   * @param {string} index
   */
  onCdr(frame, index) {
    const [event, source, time, detail] = frame.slice(0, frame.indexOf('\r\n')).split('|');
    const message = this.message(frame, index);
    this.agent.recorded(event, detail ? [source, time, detail, message] : [source, time, message]);
  }

  /** @param {Greeting} greeting */
  onConnected(greeting) {
    this.agent.serverConnected(this, greeting);
  }

  /** @param {Error} err */
  onDown(err) {
    this.#abandon(err);
    this.#acks.clear();
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const req of open) {
      this.#updates.remove(req);
      if (req.res !== undefined) overrule(req.res, err);
      tell(req, 'lost', err);
    }
  }

  /** @param {Error} err */
  onFailed(err) {
    this.agent.serverFailed(this, err);
  }

  /** @param {{delay: number, attempt: number}} next */
  onReconnecting(next) {
    this.agent.serverReconnecting(next);
  }

  onDisconnected() {
    this.agent.serverDisconnected(this);
  }

  /** @param {Error} err */
  onGivenUp(err) {
    this.agent.serverGivenUp(this, err);
  }

  /** @param {Error} err */
  onLost(err) {
    this.#abandon(err);
    this.agent.lost(this, err);
  }

  /** @returns {Promise<void>} fulfilled when the engine has ended */
  async close() {
    await this.link.close();
    this.#abandon(disconnected());
  }

  /**
   * Tells the requests that were sent and have no final response that they get none.
   *
   * @param {Error} err
   */
  #abandon(err) {
    for (const [transaction, req] of [...this.#sent]) {
      this.#settle(transaction, req);
      setEnded(req);
      tell(req, 'lost', err);
    }
    for (const transaction of [...this.#forking.keys()]) this.#endForks(transaction);
  }
}

/**
 * Whether other places may accept an INVITE that this response accepts, and are wanted.
 *
 * @param {Request} req
 * @param {Response} res
 */
function mayForkFurther(req, res) {
  const { forks, stackDialogId } = draftOf(req)?.options ?? {};
  return forks === 'all' && !stackDialogId && req.method === 'INVITE' && /** @type {number} */ (res.status) < 300;
}

/**
 * What the PRACK for a response is known by. RAck begins with the RSeq of the response (RFC 3262 §7.2).
 *
 * @param {string} dialog
 * @param {string | undefined} text RSeq or RAck
 */
function prackKey(dialog, text = '') {
  return `${Number.parseInt(text, 10)}|${dialog}`;
}

/**
 * The function that comes with a response and acknowledges it.
 *
 * @param {Request} req
 * @param {Response} res
 * @returns {import('./response').Acknowledge}
 */
function acknowledgement(req, res) {
  if (req.method !== 'INVITE') return NO_ACK;
  const status = /** @type {number} */ (res.status);
  if (status >= 200 || (status > 100 && res.has('rseq'))) return (options, callback) => res.ack(options, callback);
  return NO_ACK;
}

module.exports = { Session, MAX_OPEN_REQUESTS };
