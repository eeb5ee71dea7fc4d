'use strict';

const { parseNameAddr } = require('./headers/name_addr');

/** @typedef {import('./request').Request} Request */
/** @typedef {import('./response').Response} Response */

/**
 * Who hears of an UPDATE that comes while its INVITE is not answered yet (RFC 3311): the INVITE's
 * own request, if it has a listener for `update`. Only such INVITEs are here.
 */
class EarlyUpdates {
  /** @type {Map<string, Request>} */
  #invites = new Map();

  /** @param {Request} invite received or sent, without a final response */
  add(invite) {
    this.#invites.set(keyOf(invite, 'from'), invite);
  }

  /** @param {Request} invite */
  remove(invite) {
    if (this.#invites.size === 0) return;
    const key = keyOf(invite, 'from');
    if (this.#invites.get(key) === invite) this.#invites.delete(key);
  }

  /**
   * Tells the INVITE of an UPDATE, if there is one that listens.
   *
   * @param {Request} update
   * @param {Response} res its answer
   */
  emit(update, res) {
    if (this.#invites.size === 0) return false;
    // The INVITE has come from who sends the UPDATE, or has gone to him.
    const invite = this.#invites.get(keyOf(update, 'from')) ?? this.#invites.get(keyOf(update, 'to'));
    return invite !== undefined && invite.emit('update', update, res);
  }
}

/**
 * What an INVITE and the UPDATEs of its dialogs have in common: the Call-ID and the tag of the caller.
 *
 * @param {Request} req
 * @param {'from' | 'to'} side
 */
function keyOf(req, side) {
  return `${req.get('call-id')}|${parseNameAddr(req.get(side) ?? '').params.tag ?? ''}`;
}

module.exports = { EarlyUpdates };
