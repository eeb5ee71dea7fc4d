'use strict';

const { once } = require('node:events');
const { createServer } = require('node:http');

/** Where the numbers are unless somebody says. */
const DEFAULT = Object.freeze({ host: '127.0.0.1', port: 9100 });

/** The type of the text format of Prometheus. */
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

/** How long a client may take to ask, in milliseconds. */
const PATIENCE = 10_000;

/**
 * @typedef {object} Watched
 * @property {() => Promise<string>} metrics the numbers as Prometheus reads them
 * @property {() => boolean} isReady whether new requests are taken
 */

/** What watches a server from outside asks here, by HTTP: `/metrics`, `/healthz` and `/readyz`. */
class Monitor {
  #server;
  #watched;

  /** @param {Watched} watched */
  constructor(watched) {
    this.#watched = watched;
    this.#server = createServer({ requestTimeout: PATIENCE, headersTimeout: PATIENCE }, (req, res) => this.#answer(req, res));
    // Who is watched does not live on for being watched.
    this.#server.unref();
  }

  /**
   * Listens.
   *
   * @param {{host?: string, port?: number}} where
   */
  async open(where) {
    this.#server.listen({ ...DEFAULT, ...where });
    await once(this.#server, 'listening');
  }

  /** The port that is listened on. */
  get port() {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /**
   * @param {import('node:http').IncomingMessage} req
   * @param {import('node:http').ServerResponse} res
   */
  async #answer(req, res) {
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      res.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    const [path] = (req.url ?? '/').split('?');
    if (path === '/metrics') await this.#metrics(res);
    else if (path === '/healthz') say(res, 200, 'ok');
    else if (path === '/readyz') say(res, this.#watched.isReady() ? 200 : 503, this.#watched.isReady() ? 'ready' : 'not ready');
    else say(res, 404, 'not found');
  }

  /** @param {import('node:http').ServerResponse} res */
  async #metrics(res) {
    try {
      const page = await this.#watched.metrics();
      res.writeHead(200, { 'content-type': PROMETHEUS }).end(page);
    } catch (err) {
      say(res, 503, /** @type {Error} */ (err).message);
    }
  }
}

/**
 * @param {import('node:http').ServerResponse} res
 * @param {number} status
 * @param {string} text
 */
function say(res, status, text) {
  res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}

module.exports = { Monitor };
