'use strict';

const { readAction } = require('./actions');
const { HttpLookup } = require('./http_lookup');
const { RequestHandlers, lookupUrl } = require('./request_handlers');
const { Command } = require('../command_link');

/** @typedef {import('../request').Request} Request */
/** @typedef {import('../response').Response} Response */
/** @typedef {import('../session').Session} Session */

/** The status for a request that nobody can be found for, and for one about which no sense can be had. */
const NOBODY = 480;
const FAILED = 500;

/** Says what becomes of the requests that are not for whichever application has asked for their method. */
class Director {
  #handlers;
  #lookup = new HttpLookup();
  #onFailure;

  /**
   * @param {import('./options').RequestHandler[]} handlers
   * @param {(err: Error, req: Request) => void} onFailure told why a request was answered with 480 or 500
   */
  constructor(handlers, onFailure) {
    this.#handlers = new RequestHandlers(handlers);
    this.#onFailure = onFailure;
  }

  /** The methods that it wants to be asked about, in lower case. */
  get verbs() {
    return this.#handlers.verbs;
  }

  /**
   * Takes other handlers for the same methods.
   *
   * @param {import('./options').RequestHandler[]} handlers
   */
  replace(handlers) {
    this.#handlers = new RequestHandlers(handlers);
  }

  /**
   * Directs a request.
   *
   * @param {Session} session
   * @param {Request} req
   * @param {Response} res
   */
  async direct(session, req, res) {
    let isOver = false;
    req.on('cancel', () => (isOver = true));
    const handler = this.#handlers.find(/** @type {string} */ (req.method));
    try {
      if (handler === undefined) throw new Error(`nobody is to be asked about ${req.method}`);
      const action = /^(?:tcp|tls):/.test(handler.url) ? direct(handler.url) : await this.#ask(handler, req);
      if (!isOver) this.#perform(session, action, handler.verifyPeer, req, res);
    } catch (err) {
      if (!isOver) this.#fail(/** @type {Error} */ (err), FAILED, req, res);
    }
  }

  /** Closes the connections to web servers. */
  close() {
    this.#lookup.close();
  }

  /**
   * @param {import('./options').RequestHandler} handler
   * @param {Request} req
   */
  async #ask({ url, httpMethod, verifyPeer }, req) {
    return readAction(await this.#lookup.ask({ url: lookupUrl(url, req), method: httpMethod, body: req.raw ?? '', verifyPeer }));
  }

  /**
   * @param {Session} session
   * @param {import('./actions').Action} action
   * @param {boolean} verifyPeer
   * @param {Request} req
   * @param {Response} res
   */
  #perform(session, action, verifyPeer, req, res) {
    const refused = (/** @type {Error & {code?: string}} */ err) => {
      // The caller has given up.
      if (err.code === 'DRT_ERR_UNKNOWN_TRANSACTION' || err.code === 'DRT_ERR_DISCONNECTED') return;
      this.#fail(err, NOBODY, req, res);
    };
    const given = { done: () => session.answered(req), refused };
    switch (action.kind) {
      case 'reject':
        res.send(action.status, action.reason);
        break;
      case 'redirect':
        res.send(302, { headers: { Contact: action.contacts.join(', ') } });
        break;
      case 'proxy':
        req.proxy(action.options, (err) => {
          if (err !== null) this.#onFailure(err, req);
        });
        break;
      case 'tag':
        session.link.submit(Command.GIVE, `${req.stackTxnId}|${action.tag}`, '', given);
        break;
      case 'connect':
        session.link.submit(Command.CONNECT, `${req.stackTxnId}|${scheme(action.place, verifyPeer)}|${action.place.host}`, '', given);
        break;
    }
  }

  /**
   * @param {Error} err
   * @param {number} status
   * @param {Request} req
   * @param {Response} res
   */
  #fail(err, status, req, res) {
    this.#onFailure(err, req);
    if (!res.finalResponseSent) res.send(status);
  }
}

/**
 * How an application is connected to, in the words of the engine.
 *
 * @param {import('./actions').Place} place
 * @param {boolean} verifyPeer
 */
function scheme({ transport }, verifyPeer) {
  return transport === 'tls' && !verifyPeer ? 'tls-unverified' : transport;
}

/**
 * An application that is connected to without asking anybody.
 *
 * @param {string} url `tcp://host:port` or `tls://host:port`
 * @returns {import('./actions').Action}
 */
function direct(url) {
  const { protocol, host } = new URL(url);
  return { kind: 'connect', place: { transport: protocol === 'tls:' ? 'tls' : 'tcp', host } };
}

module.exports = { Director };
