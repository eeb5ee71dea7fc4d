'use strict';

const http = require('node:http');
const https = require('node:https');
const { DrachtioError } = require('../errors');
const { VERSION } = require('../version');

/** How long the connection to a web server may take. */
const CONNECT_TIMEOUT = 2_000;

/** How long the whole look-up may take, redirections included. */
const TIMEOUT = 3_000;

/** How large an answer may be, in bytes. */
const MAX_ANSWER = 16_384;

/** How often a look-up may be sent elsewhere. */
const MAX_REDIRECTS = 5;

/** Connections that are kept open to one web server, and look-ups that may be under way to it at once. */
const MAX_IDLE = 4;
const MAX_SOCKETS = 64;

/** Look-ups that may be under way or wait for a connection. Further ones fail at once. */
const MAX_LOOKUPS = 1_000;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * @typedef {object} Lookup
 * @property {URL} url
 * @property {'GET' | 'POST'} method
 * @property {string} body sent with POST
 * @property {boolean} verifyPeer
 */

/** Asks web servers, over connections that are kept. */
class HttpLookup {
  #agents = {
    http: new http.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: MAX_IDLE }),
    https: new https.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: MAX_IDLE }),
    unverified: new https.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: MAX_IDLE, rejectUnauthorized: false }),
  };
  #underWay = 0;

  /**
   * @param {Lookup} lookup
   * @returns {Promise<unknown>} the JSON of the answer, whatever its HTTP status is
   */
  async ask(lookup) {
    if (this.#underWay >= MAX_LOOKUPS) throw failure('too many look-ups are under way', 'DRT_ERR_LIMIT_REACHED');
    this.#underWay += 1;
    const timeLimit = AbortSignal.timeout(TIMEOUT);
    try {
      return await this.#follow(lookup, timeLimit);
    } catch (err) {
      const why = timeLimit.aborted ? 'it takes too long' : /** @type {Error} */ (err).message;
      throw failure(`${lookup.url.origin}${lookup.url.pathname}: ${why}`, 'DRT_ERR_LOOKUP', err);
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Closes the connections. */
  close() {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  /**
   * @param {Lookup} lookup
   * @param {AbortSignal} signal
   */
  async #follow(lookup, signal) {
    let { url, method } = lookup;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const { status, location, text } = await this.#exchange({ ...lookup, url, method }, signal);
      if (!REDIRECTS.has(status) || location === undefined) return JSON.parse(text);
      url = new URL(location, url);
      if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('a redirection leads to something else than a web server');
      // RFC 9110 §15.4: what was posted is posted again only if the server says so.
      if (method === 'POST' && status < 307) method = 'GET';
    }
    throw new Error('too many redirections');
  }

  /**
   * @param {Lookup} lookup
   * @param {AbortSignal} signal
   * @returns {Promise<{status: number, location: string | undefined, text: string}>}
   */
  #exchange({ url, method, body, verifyPeer }, signal) {
    const secure = url.protocol === 'https:';
    const agent = secure ? (verifyPeer ? this.#agents.https : this.#agents.unverified) : this.#agents.http;
    /** @type {Record<string, string | number>} */
    const headers = { accept: 'application/json', 'user-agent': `Drachtio/${VERSION}` };
    if (method === 'POST') {
      headers['content-type'] = 'text/plain; charset=UTF-8';
      headers['content-length'] = Buffer.byteLength(body);
    }
    return new Promise((resolve, reject) => {
      const request = (secure ? https : http).request(url, { method, headers, agent, signal });
      request.on('error', reject);
      request.on('socket', (socket) => limitConnecting(socket, request));
      request.on('response', (response) => {
        readAll(response).then((text) => resolve({ status: response.statusCode ?? 0, location: response.headers.location, text }), reject);
      });
      request.end(method === 'POST' ? body : undefined);
    });
  }
}

/**
 * @param {import('node:net').Socket} socket
 * @param {import('node:http').ClientRequest} request
 */
function limitConnecting(socket, request) {
  if (!socket.connecting) return;
  const timer = setTimeout(() => request.destroy(new Error('no connection in time')), CONNECT_TIMEOUT);
  const stop = () => clearTimeout(timer);
  socket.once('connect', stop);
  socket.once('close', stop);
}

/** @param {import('node:http').IncomingMessage} response */
async function readAll(response) {
  const chunks = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > MAX_ANSWER) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * @param {string} message
 * @param {string} code
 * @param {unknown} [cause]
 */
function failure(message, code, cause) {
  return new DrachtioError(message, code, { cause });
}

module.exports = { HttpLookup };
