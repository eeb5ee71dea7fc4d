'use strict';

const { connected, request, turns } = require('./harness');

/**
 * A request that came and is to be proxied by `proxy(req)`.
 *
 * @param {(req: any) => any} proxy
 * @param {string} [method]
 */
async function proxied(proxy, method = 'INVITE') {
  let returned;
  const { app, engine } = await connected((a) => a.use((req) => {
    returned = proxy(req);
    return returned;
  }));
  engine.receive(request(method));
  await turns();
  return { app, engine, command: engine.commands[0], returned };
}

module.exports = { proxied };
