'use strict';

/** @typedef {import('../session').Session<import('./link').AcceptedLink>} AcceptedSession */
/** @typedef {import('../session').Session} Session */

/** The connections that servers have made to one application, and which dialog belongs to which. */
class AcceptedSessions {
  /** With the dialogs that were heard of on each. @type {Map<Session, Set<string>>} */
  #sessions = new Map();
  /** @type {Map<string, Session>} */
  #homes = new Map();

  get size() {
    return this.#sessions.size;
  }

  [Symbol.iterator]() {
    return this.#sessions.keys();
  }

  /** The one that was made last. @type {Session | undefined} */
  get last() {
    return [...this.#sessions.keys()].at(-1);
  }

  /** @param {Session} session */
  add(session) {
    this.#sessions.set(session, new Set());
  }

  /** @param {Session} session */
  delete(session) {
    for (const dialogId of this.#sessions.get(session) ?? []) {
      if (this.#homes.get(dialogId) === session) this.#homes.delete(dialogId);
    }
    this.#sessions.delete(session);
  }

  /**
   * @param {Session} session
   * @param {string} dialogId
   */
  noteDialog(session, dialogId) {
    if (dialogId === '') return;
    this.#sessions.get(session)?.add(dialogId);
    this.#homes.set(dialogId, session);
  }

  /**
   * @param {unknown} socket
   * @returns {Session | undefined}
   */
  bySocket(socket) {
    if (socket === undefined) return undefined;
    return [...this.#sessions.keys()].find((session) => session.link.socket === socket);
  }

  /**
   * @param {string | undefined} dialogId
   * @returns {Session | undefined}
   */
  byDialog(dialogId) {
    return dialogId === undefined ? undefined : this.#homes.get(dialogId);
  }
}

module.exports = { AcceptedSessions };
