'use strict';

// Taken before a test mocks the global one: the engine does not stop for that.
const { setImmediate } = require('node:timers');
const { setImmediate: nextTurn } = require('node:timers/promises');
const { refusal, throwLater } = require('./errors');
const { settledSoFar } = require('./promised');
const { Table } = require('./table');

/**
 * Whoever sent a command is told how it went.
 *
 * @typedef {object} Answer
 * @property {(frame: string, index: string) => void} [sent] the message, as it was sent
 * @property {(err: Error) => void} refused
 * @property {(frame: string, index: string) => void} [branch] a response on a branch of a proxied request; the
 *   number of the branch stands in the place of the transaction
 * @property {(text: string) => void} [progress] a branch has begun or ended: `time|branch|started|uri` or
 *   `time|branch|ended|reason|status`
 * @property {() => void} [done] the command has come to its end
 */

/**
 * @typedef {object} Receiver
 * @property {(frame: string, index: string) => void} onMessage a request or response has come
 * @property {(frame: string, index: string) => void} onPassing a request inside a dialog is about to pass along its
 *   recorded route
 * @property {(text: string) => void} onAnswered a request has been answered in place of the application:
 *   `transaction|status|code|text`
 * @property {(text: string) => void} onConnectionClosed a connection that something was on has ended
 * @property {(frame: string, index: string) => void} onCdr a call detail record: `event|source|time|detail`, and a message
 * @property {() => void} onFlush the commands of this turn of the event loop have been handed over
 * @property {(err: Error) => void} onLost the other end has failed: nothing more will come
 */

/** What a command is. */
const Command = Object.freeze({ ROUTE: 1, REMOVE_ROUTE: 2, SIP: 3, PROXY: 4, GIVE: 5, CONNECT: 6, AUTHENTICATE: 7, PING: 8 });

/** What an event is. */
const Event = Object.freeze({
  MESSAGE: 1,
  SENT: 2,
  REFUSED: 3,
  BRANCH: 4,
  DONE: 5,
  ANSWERED: 6,
  CLOSED: 7,
  PROGRESS: 8,
  PASSING: 9,
  CDR: 10,
  AUTHENTICATED: 11,
  BROKEN: 12,
});

/** Entries of the flat arrays of commands and events for each of them. */
const ENTRIES = 4;

/** The number of commands that nobody waits for the answer of. */
const UNANSWERED = 0;

const MAX_COMMAND_ID = 0x7fffffff;

/**
 * Commands go out and events come in, wherever the engine is: in this process or behind a connection. The commands of
 * one turn of the event loop go over together, and events come in batches, since a crossing costs more than what most
 * messages need on this side. Commands that are given before the other end is there wait for it.
 */
class CommandLink {
  #receiver;
  /** @type {(string | number)[]} */
  #batch = [];
  #flushing = false;
  /** @type {((batch: (string | number)[]) => void) | undefined} */
  #send = undefined;
  /** How many entries were handed over, or given up, before those of the batch. */
  #handedOver = 0;
  #lastId = 0;
  /** @type {Table<number, Answer>} */
  #answers = new Table();
  /** @type {Error | undefined} */
  #shutBy = undefined;
  /** Events, from an entry on, that wait until who has awaited an earlier one has gone on. @type {{events: (string | number)[], start: number} | undefined} */
  #held = undefined;

  /** @type {import('./api_logger').ApiLogger | undefined} */
  logger = undefined;

  /** @param {Receiver} receiver */
  constructor(receiver) {
    this.#receiver = receiver;
  }

  /** Whether nothing is to be handed over or answered. */
  get idle() {
    return this.#answers.size === 0 && this.#batch.length === 0;
  }

  /** The socket that leads to the engine; undefined for the one of this process. @type {import('node:net').Socket | undefined} */
  get socket() {
    return undefined;
  }

  /**
   * How long after an INVITE was accepted other forks of it may accept, in milliseconds: 64 × T1 (RFC 3261 §13.2.2.4).
   */
  transactionTime = 32_000;

  /** Whether the engine is that of a server. */
  get isRemote() {
    return false;
  }

  /** Whether the engine has made the connection, and not this application. */
  get isAccepted() {
    return false;
  }

  /** What is known of the server; undefined for the engine of this process. @type {{address: string | undefined, hostport: string} | undefined} */
  get server() {
    return undefined;
  }

  /** Whether there is somebody to give commands to. */
  get isOpen() {
    return this.#send !== undefined;
  }

  /**
   * Gives a command, with all others of this turn of the event loop.
   *
   * @param {number} kind one of `Command`
   * @param {string} head
   * @param {string} text
   * @param {Answer} [answer] without it nobody says how the command went
   */
  submit(kind, head, text, answer) {
    if (this.#shutBy !== undefined) {
      const err = this.#shutBy;
      if (answer !== undefined) process.nextTick(() => answer.refused(err));
      return;
    }
    const id = answer === undefined ? UNANSWERED : this.#number(answer);
    this.#batch.push(kind, id, head, text);
    if (this.logger !== undefined) this.logger.sent(kind, id, head, text);
    this.scheduleFlush();
  }

  /**
   * Gives commands that go over before all that wait.
   *
   * @protected
   * @param {number} kind
   * @param {string[]} heads of commands without a message
   * @param {Answer} answer told of each
   */
  submitFirst(kind, heads, answer) {
    const commands = heads.flatMap((head) => [kind, this.#number(answer), head, '']);
    this.#batch.unshift(...commands);
    // Those that wait stand where they stood, as `hear` counts.
    this.#handedOver -= commands.length;
  }

  /** @param {Answer} answer */
  #number(answer) {
    this.#lastId = this.#lastId === MAX_COMMAND_ID ? 1 : this.#lastId + 1;
    this.#answers.set(this.#lastId, answer);
    return this.#lastId;
  }

  /** The place that the next command will have, for `hear`. */
  get place() {
    return this.#handedOver + this.#batch.length;
  }

  /**
   * Has a command answered that was given without an answer.
   *
   * @param {number} place
   * @param {Answer} answer
   * @returns {boolean} false when it is too late, because the command has been handed over
   */
  hear(place, answer) {
    if (this.#shutBy !== undefined) {
      answer.refused(this.#shutBy);
      return true;
    }
    const at = place - this.#handedOver;
    if (at < 0 || at >= this.#batch.length) return false;
    this.#batch[at + 1] = this.#number(answer);
    return true;
  }

  /** Has `onFlush` called at the end of this turn of the event loop. */
  scheduleFlush() {
    if (this.#flushing) return;
    this.#flushing = true;
    // This is the first moment after the whole batch of events, and what its handlers awaited
    // that did not take time, is done with.
    setImmediate(() => this.flush());
  }

  /**
   * The other end is there: what waits goes over now, and what comes at the end of its turn.
   *
   * @protected
   * @param {(batch: (string | number)[]) => void} send
   */
  open(send) {
    this.#shutBy = undefined;
    this.#send = send;
    this.flush();
  }

  /**
   * The other end is gone. Every command that has no answer fails, and so does what is asked for until the link is
   * opened again.
   *
   * @protected
   * @param {Error} err
   */
  shut(err) {
    this.#shutBy = err;
    this.#send = undefined;
    this.#handedOver += this.#batch.length;
    this.#batch = [];
    const answers = [...this.#answers.values()];
    this.#answers.clear();
    for (const answer of answers) {
      try {
        answer.refused(err);
      } catch (thrown) {
        throwLater(thrown);
      }
    }
  }

  /**
   * The other end has failed for good.
   *
   * @protected
   * @param {Error} err
   */
  lose(err) {
    if (this.#shutBy !== undefined) return;
    this.shut(err);
    this.#receiver.onLost(err);
  }

  /** @protected */
  flush() {
    this.#flushing = false;
    if (this.#send !== undefined && this.#batch.length > 0) {
      const batch = this.#batch;
      this.#batch = [];
      this.#handedOver += batch.length;
      try {
        this.#send(batch);
      } catch (err) {
        this.lose(/** @type {Error} */ (err));
      }
    }
    this.#receiver.onFlush();
  }

  /**
   * Hands out what has come. Who awaits one of these things goes on before the next one is told, as who has a callback
   * for it does: or a call could end before the application knows that it has begun.
   *
   * @protected
   * @param {(string | number)[]} events
   */
  dispatch(events) {
    if (this.#held === undefined) {
      this.#handOut(events, 0);
      return;
    }
    const { events: before, start } = this.#held;
    this.#held = { events: before.slice(start).concat(events), start: 0 };
  }

  /**
   * @param {(string | number)[]} events
   * @param {number} start
   */
  #handOut(events, start) {
    for (let at = start; at < events.length; at += ENTRIES) {
      const kind = /** @type {number} */ (events[at]);
      const id = /** @type {number} */ (events[at + 1]);
      const frame = /** @type {string} */ (events[at + 2]);
      const index = /** @type {string} */ (events[at + 3]);
      const before = settledSoFar();
      // What an application throws in a listener must not cost the other events of the batch.
      try {
        if (this.logger !== undefined) this.logger.received(kind, id, frame);
        this.#dispatch(kind, id, frame, index);
      } catch (err) {
        throwLater(err);
      }
      if (settledSoFar() !== before && at + ENTRIES < events.length) {
        this.#hold(events, at + ENTRIES);
        return;
      }
    }
  }

  /**
   * Goes on with events when all promises have been seen to.
   *
   * @param {(string | number)[]} events
   * @param {number} start
   */
  #hold(events, start) {
    this.#held = { events, start };
    // A tick that is asked for in a microtask comes when there is no microtask left.
    queueMicrotask(() => process.nextTick(() => this.#release()));
  }

  #release() {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#handOut(held.events, held.start);
  }

  /**
   * Waits until everything that has come is handed out.
   *
   * @protected
   */
  async handedOut() {
    while (this.#held !== undefined) await nextTurn();
  }

  /**
   * @param {number} kind
   * @param {number} id
   * @param {string} frame
   * @param {string} index
   */
  #dispatch(kind, id, frame, index) {
    if (kind === Event.MESSAGE) {
      this.#receiver.onMessage(frame, index);
      return;
    }
    if (kind === Event.PASSING) {
      this.#receiver.onPassing(frame, index);
      return;
    }
    if (kind === Event.ANSWERED) {
      this.#receiver.onAnswered(frame);
      return;
    }
    if (kind === Event.CLOSED) {
      this.#receiver.onConnectionClosed(frame);
      return;
    }
    if (kind === Event.CDR) {
      this.#receiver.onCdr(frame, index);
      return;
    }
    const answer = this.#answers.get(id);
    if (answer === undefined) return;
    if (kind === Event.BRANCH) {
      answer.branch?.(frame, index);
      return;
    }
    if (kind === Event.PROGRESS) {
      answer.progress?.(frame);
      return;
    }
    this.#answers.delete(id);
    if (kind === Event.REFUSED) answer.refused(refusal(frame));
    else if (kind === Event.SENT) answer.sent?.(frame, index);
    else answer.done?.();
  }
}

module.exports = { CommandLink, Command, Event, ENTRIES };
