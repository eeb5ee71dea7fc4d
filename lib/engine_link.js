'use strict';

const { disconnected, refusal, throwLater } = require('./errors');
const { Table } = require('./table');
const { Monitor } = require('./monitor');

/** @typedef {import('./native').EngineClass} EngineClass */

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
 * @property {() => void} onFlush the commands of this turn of the event loop have been handed over
 * @property {(err: Error) => void} onLost the engine has failed: nothing more will come
 */

/** What a command is. */
const Command = Object.freeze({ ROUTE: 1, REMOVE_ROUTE: 2, SIP: 3, PROXY: 4, GIVE: 5, CONNECT: 6 });

/** What an event is. */
const Event = Object.freeze({ MESSAGE: 1, SENT: 2, REFUSED: 3, BRANCH: 4, DONE: 5, ANSWERED: 6, CLOSED: 7, PROGRESS: 8, PASSING: 9 });

/** Entries of the flat arrays of commands and events for each of them. */
const ENTRIES = 4;

/** The number of commands that the engine does not answer. */
const UNANSWERED = 0;

const MAX_COMMAND_ID = 0x7fffffff;

/**
 * The one place that talks to the native engine. Commands of one turn of the event loop go over in
 * one call, and events come in batches, since a crossing costs more than what most messages need
 * on this side.
 */
class EngineLink {
  #engine;
  #receiver;
  /** @type {(string | number)[]} */
  #batch = [];
  #flushing = false;
  #open = false;
  #isDraining = false;
  /** @type {Monitor | undefined} */
  #monitor = undefined;
  /** How many entries were handed over before those of the batch. */
  #handedOver = 0;
  #lastId = 0;
  /** @type {Table<number, Answer>} */
  #answers = new Table();
  /** @type {Promise<unknown>} */
  #starting = Promise.resolve();
  /** @type {Promise<void> | undefined} */
  #closing = undefined;
  /** @type {Error | undefined} */
  #closedBy = undefined;

  /** @type {import('./api_logger').ApiLogger | undefined} */
  logger = undefined;

  /** Where other applications connect to, as in `tcp/127.0.0.1:9022`. @type {string[]} */
  adminHostports = [];

  /**
   * @param {EngineClass} Engine the native class, or one that is used like it
   * @param {Receiver} receiver
   */
  constructor(Engine, receiver) {
    this.#receiver = receiver;
    this.#engine = new Engine(() => this.#drain());
  }

  /**
   * Binds the sockets. Commands that were given before go over when that is done; when it fails,
   * they fail with the same error.
   *
   * @param {import('./native').StartOptions} options
   * @param {string[]} routes the methods whose requests the application takes
   * @returns {Promise<string[]>} the addresses listened on
   */
  start(options, routes) {
    const starting = this.#begin({ ...options, routes }).then(
      ({ hostports, adminHostports }) => {
        this.#open = true;
        this.adminHostports = adminHostports ?? [];
        this.#flush();
        return hostports;
      },
      (err) => {
        this.#fail(err);
        throw err;
      },
    );
    this.#starting = starting.catch(() => {});
    return starting;
  }

  /** @param {import('./native').StartOptions & {routes: string[]}} options */
  async #begin(options) {
    const started = await this.#engine.start(options);
    const where = options.observe?.metrics;
    if (where === undefined) return started;
    const monitor = new Monitor({ metrics: () => this.#engine.metrics(), isReady: () => this.#open && !this.#isDraining });
    try {
      await monitor.open(where);
    } catch (err) {
      await this.#engine.close();
      throw err;
    }
    this.#monitor = monitor;
    return started;
  }

  /** Whether nothing is to be handed to the engine or answered by it. */
  get idle() {
    return this.#answers.size === 0 && this.#batch.length === 0;
  }

  /** The sizes of the engine's tables. */
  census() {
    return this.#engine.census();
  }

  counters() {
    return this.#engine.counters();
  }

  /**
   * @param {string} level
   * @param {string} text
   */
  log(level, text) {
    this.#engine.log(level, text);
  }

  /** @param {string} level */
  setLogLevel(level) {
    this.#engine.setLogLevel(level);
  }

  /** @param {Record<string, unknown>} screening */
  setScreening(screening) {
    this.#engine.setScreening(screening);
  }

  async metrics() {
    await this.#starting;
    return this.#engine.metrics();
  }

  /**
   * Gives the engine new settings of TLS.
   *
   * @param {Record<string, unknown>} settings
   * @returns {Promise<void>} fulfilled when they are in force
   */
  async reloadTls(settings) {
    await this.#starting;
    return this.#engine.reloadTls(settings);
  }

  /** How many other applications are connected. */
  applications() {
    return this.#engine.applications();
  }

  /** Has new requests from the network rejected; calls go on. */
  drain() {
    this.#isDraining = true;
    this.#engine.drain();
  }

  /**
   * Other applications that connect from now on must know one of these secrets.
   *
   * @param {string[]} secrets
   */
  setSecrets(secrets) {
    this.#engine.setSecrets(secrets);
  }

  /**
   * Gives other settings of TLS to the server of other applications.
   *
   * @param {Record<string, unknown>} settings
   */
  setServerTls(settings) {
    this.#engine.setServerTls(settings);
  }

  /**
   * Gives a command to the engine, with all others of this turn of the event loop.
   *
   * @param {number} kind one of `Command`
   * @param {string} head
   * @param {string} text
   * @param {Answer} [answer] without it the engine does not say how the command went
   */
  submit(kind, head, text, answer) {
    if (this.#closedBy !== undefined) {
      const err = this.#closedBy;
      if (answer !== undefined) process.nextTick(() => answer.refused(err));
      return;
    }
    const id = answer === undefined ? UNANSWERED : this.#number(answer);
    this.#batch.push(kind, id, head, text);
    if (this.logger !== undefined) this.logger.sent(kind, id, head, text);
    this.scheduleFlush();
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
   * Has the engine answer a command that was given without an answer.
   *
   * @param {number} place
   * @param {Answer} answer
   * @returns {boolean} false when it is too late, because the command has been handed over
   */
  hear(place, answer) {
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
    setImmediate(() => this.#flush());
  }

  /**
   * Ends everything. What has been asked for before is still carried out. May be called at any
   * time, and again.
   *
   * @returns {Promise<void>} fulfilled when the sockets are closed
   */
  close() {
    this.#closing ??= this.#starting.then(async () => {
      this.#flush();
      this.#open = false;
      await this.#engine.close();
      this.#monitor?.close();
      this.#drain();
      this.#fail(disconnected());
    });
    return this.#closing;
  }

  #flush() {
    this.#flushing = false;
    if (this.#open && this.#batch.length > 0) {
      const batch = this.#batch;
      this.#batch = [];
      this.#handedOver += batch.length;
      try {
        this.#engine.submit(batch);
      } catch (err) {
        this.#lose(/** @type {Error} */ (err));
      }
    }
    this.#receiver.onFlush();
  }

  #take() {
    try {
      return this.#engine.take();
    } catch (err) {
      this.#lose(/** @type {Error} */ (err));
      return [];
    }
  }

  #drain() {
    const events = this.#take();
    for (let at = 0; at < events.length; at += ENTRIES) {
      const kind = /** @type {number} */ (events[at]);
      const id = /** @type {number} */ (events[at + 1]);
      const frame = /** @type {string} */ (events[at + 2]);
      const index = /** @type {string} */ (events[at + 3]);
      // What an application throws in a listener must not cost the other events of the batch.
      try {
        if (this.logger !== undefined) this.logger.received(kind, id, frame);
        this.#dispatch(kind, id, frame, index);
      } catch (err) {
        throwLater(err);
      }
    }
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

  /** @param {Error} err what the engine has failed with */
  #lose(err) {
    if (this.#closedBy !== undefined) return;
    this.#fail(err);
    this.#receiver.onLost(err);
  }

  /** @param {Error} err given to every command that has no answer yet, and to all that come */
  #fail(err) {
    this.#closedBy = err;
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
}

module.exports = { EngineLink, Command, Event };
