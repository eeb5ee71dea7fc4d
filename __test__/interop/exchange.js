'use strict';
// What phones of others are given to register at: a registrar that asks for passwords, and a proxy that rings every binding.

const { digestAuth } = require('../..');
const { startApp } = require('../sipp/app');

const REALM = 'exchange';
const PASSWORD = 'secret';

/**
 * @typedef {import('../sipp/app').Running & { bindings: Map<string, Map<string, { expires: number, req: any }>>, registers: any[], ended: any[] }} Exchange
 */

/**
 * Starts one. Everybody's password is `secret`.
 *
 * @param {object} [options]
 * @param {(app: any) => void} [options.configure] adds handlers that come before its own
 * @param {string[]} [options.further] transports, as for `startApp`
 * @param {object} [options.engine]
 * @returns {Promise<Exchange>} `bindings`: by user and contact; `ended`: how each proxied INVITE ended
 */
async function startExchange({ configure = () => {}, ...options } = {}) {
  const bindings = new Map();
  const registers = [];
  const ended = [];
  const running = await startApp((app) => {
    configure(app);
    app.use('register', digestAuth({ realm: REALM, passwords: () => PASSWORD, algorithms: ['MD5'] }));
    app.register((req, res) => {
      registers.push(req);
      const user = userOf(req.getParsedHeader('To').uri);
      const own = bindings.get(user) ?? bindings.set(user, new Map()).get(user);
      for (const { uri, params } of req.getParsedHeader('Contact') ?? []) {
        const expires = Number(params.expires ?? req.get('Expires') ?? 3600);
        if (expires === 0) own.delete(uri);
        else own.set(uri, { expires, req });
      }
      const list = [...own].map(([uri, { expires }]) => `<${uri}>;expires=${expires}`);
      res.send(200, { headers: list.length > 0 ? { Contact: list } : {} });
    });
    app.invite(async (req, res) => {
      const destination = [...(bindings.get(req.calledNumber)?.keys() ?? [])];
      if (destination.length === 0) return res.send(480);
      ended.push(await req.proxy({ destination, remainInDialog: true, forking: 'simultaneous' }));
    });
  }, options);
  return { ...running, bindings, registers, ended };
}

function userOf(uri) {
  return /^sips?:([^@;]+)@/.exec(uri)?.[1] ?? '';
}

module.exports = { PASSWORD, startExchange };
