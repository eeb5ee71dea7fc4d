'use strict';

const { once } = require('node:events');
const drachtio = require('../../..');

/** An application on loopback that answers OPTIONS, observed in this way; where it listens. */
async function observed(t, observe, contact = 'sip:127.0.0.1:0;transport=udp,tcp') {
  const app = drachtio();
  app.options((req, res) => res.send(200));
  app.connect({ contact, observe });
  const [err, hostports] = await once(app, 'connect');
  if (err) throw err;
  t.after(() => app.disconnect());
  const address = (transport) => hostports.split(',').find((text) => text.startsWith(`${transport}/`))?.split('/')[1];
  return { app, sip: address('udp'), address };
}

module.exports = { observed };
