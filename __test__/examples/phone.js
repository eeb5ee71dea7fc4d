'use strict';
// A telephone for the tests of the examples: an application that answers, calls and hangs up, and notes what it was asked.

const { once } = require('node:events');
const drachtio = require('../..');

/**
 * @typedef {object} Phone
 * @property {any} app
 * @property {string} address   `127.0.0.1:port`
 * @property {any[]} heard      the requests that came, in order
 * @property {(method: string) => Promise<any>} hears  the next request of a method that it has not told of
 * @property {(uri: string, options?: object) => Promise<any>} send  the final response to a request outside a dialog
 * @property {(stackDialogId: string, options: object) => Promise<any>} sendIn  the same inside one
 * @property {(uri: string, options?: object) => Promise<any>} call  the final response to an INVITE, acknowledged
 */

/** A session description by which its sender is known. */
function sdp(name) {
  return ['v=0', `o=${name} 1 1 IN IP4 127.0.0.1`, 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 40000 RTP/AVP 0', ''].join('\r\n');
}

/**
 * @param {import('node:test').TestContext} t
 * @param {string} name
 * @param {object} [options]
 * @param {(req: any, res: any) => void} [options.rings] what it does with an INVITE; it answers if nothing is given
 * @param {(app: any) => void} [options.configure] adds handlers before its own
 * @param {string} [options.transport]
 * @param {object} [options.engine]
 * @returns {Promise<Phone>}
 */
async function startPhone(t, name, { rings, configure, transport = 'udp', engine } = {}) {
  const app = drachtio();
  const [heard, told, waiting] = [[], new Set(), []];
  const note = (req) => {
    heard.push(req);
    for (const look of [...waiting]) look();
  };
  app.use((req, res, next) => note(req) ?? next());
  configure?.(app);
  const answer = (req, res) => res.send(200, { headers: { 'Content-Type': 'application/sdp' }, body: sdp(name) });
  app.invite(rings ?? answer);
  for (const method of ['bye', 'info', 'message', 'notify', 'options']) app[method]((req, res) => res.send(200));
  app.connect({ contact: `sip:${name}@127.0.0.1:0;transport=${transport}`, ...(engine && { engine }) });
  const [err, hostport] = await once(app, 'connect');
  if (err) throw err;
  t.after(() => app.disconnect());

  const hears = (method) =>
    new Promise((resolve) => {
      const look = () => {
        const req = heard.find((one) => one.method === method && !told.has(one));
        if (req === undefined) return;
        told.add(req);
        waiting.splice(waiting.indexOf(look), 1);
        resolve(req);
      };
      waiting.push(look);
      look();
    });
  const final = (sent) =>
    new Promise((resolve) => {
      sent.on('response', (res, ack) => {
        if (res.status < 200) return;
        ack();
        resolve(res);
      });
    });
  const send = async (uri, options) => final(await app.request({ uri, ...options }));
  const sendIn = async (stackDialogId, options) => final(await app.request({ stackDialogId, ...options }));
  const offer = { method: 'INVITE', headers: { 'Content-Type': 'application/sdp' }, body: sdp(name) };
  const call = (uri, options) => send(uri, { ...offer, ...options });
  return { app, address: hostport.split(',')[0].split('/')[1], heard, hears, send, sendIn, call };
}

module.exports = { startPhone, sdp };
