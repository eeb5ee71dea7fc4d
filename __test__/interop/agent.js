'use strict';
// Calls as promises, for tests in which the application is one end of a call.

const { waitFor } = require('./peer');

/** An offer or an answer: PCMU on a port where nobody listens. */
const sdp = (options = {}) => {
  const { port = 40_000, direction = 'sendrecv', version = 1 } = options;
  const lines = ['v=0', `o=- 1 ${version} IN IP4 127.0.0.1`, 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'];
  lines.push(`m=audio ${port} RTP/AVP 0`, 'a=rtpmap:0 PCMU/8000', `a=${direction}`, '');
  return lines.join('\r\n');
};

/**
 * Sends a request and waits for its final response, which is acknowledged unless `acknowledge` is false.
 *
 * @param {any} app
 * @param {object} options                 as for `app.request`
 * @param {object} [more]
 * @param {object} [more.ack]              what the ACK carries
 * @param {(res: any, ack: Function, req: any) => void} [more.provisional] is shown each provisional response
 * @returns {Promise<{ res: any, req: any, statuses: number[] }>}
 */
function ask(app, options, { ack: ackWith = {}, provisional = () => {} } = {}) {
  const statuses = [];
  return new Promise((resolve, reject) => {
    app.request(options, (err, req) => {
      if (err) return reject(err);
      req.on('response', (res, ack) => {
        statuses.push(res.status);
        if (res.status < 200) return provisional(res, ack, req);
        if (options.method === 'INVITE') ack(ackWith);
        resolve({ res, req, statuses });
      });
    });
  });
}

/**
 * Notes the requests of some methods as they come, and answers them 200, or as it is told.
 *
 * @param {any} app
 * @param {Record<string, (req: any, res: any) => void>} handlers by method, in lower case
 * @returns {{ seen: any[], request: (method: string, count?: number) => Promise<any> }}
 */
function notes(app, handlers) {
  const seen = [];
  for (const [method, handler] of Object.entries(handlers)) {
    app[method]((req, res) => {
      seen.push(req);
      handler(req, res);
    });
  }
  const log = () => seen.map(({ method, uri }) => `${method} ${uri}`).join('\n');
  const request = (method, count = 1) =>
    waitFor(`${count} × ${method}`, () => seen.filter((req) => req.method === method)[count - 1], log);
  return { seen, request };
}

/** Answers 200. */
const accept = (req, res) => res.send(200);

/** Answers an INVITE: 180, and 200 with an SDP. */
const answer = (req, res) => {
  res.send(180);
  res.send(200, { body: sdp() });
};

module.exports = { accept, answer, ask, notes, sdp };
