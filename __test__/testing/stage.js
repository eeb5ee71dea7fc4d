'use strict';

const drachtio = require('../..');
const { openWorld } = require('../../testing');

/**
 * A world with an application at 192.0.2.1, which end with the test.
 *
 * @param {import('node:test').TestContext} t
 * @param {(app: any) => void} [prepare] adds handlers before the connection is made
 * @param {{world?: object, connect?: object}} [options]
 */
async function stage(t, prepare = () => {}, options = {}) {
  const world = openWorld(options.world);
  t.after(() => world.close());
  const app = drachtio();
  prepare(app);
  await world.connect(app, { contact: 'sip:192.0.2.1', ...options.connect });
  return { world, app };
}

/**
 * What a world has seen: times, senders, receivers and start lines.
 *
 * @param {any} world
 * @param {(line: string) => boolean} [isMeant]
 */
function seen(world, isMeant = () => true) {
  return world.sent.map(({ time, from, to, text }) => `${time} ${from} ${to} ${text.split('\r\n', 1)[0]}`).filter(isMeant);
}

module.exports = { seen, stage };
