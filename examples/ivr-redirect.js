'use strict';
// The front end of a voice menu: looks at who calls which number, and sends the caller on to the server that has its menu.
//
//   node examples/ivr-redirect.js 10.0.0.1 10.0.0.2 [--contact sip:…]

const drachtio = require('..');
const { contact, positionals } = require('./arguments');

const servers = positionals.length > 0 ? positionals : ['127.0.0.1:5080'];
const menus = new Map([['1800', 'sales'], ['1801', 'support']]);
const blocked = new Set(['5551234']);
const app = drachtio();
let turn = 0;

app.use('invite', (req, res, next) => {
  if (blocked.has(req.callingNumber)) return res.send(603, 'Decline');
  next();
});

app.invite((req, res) => {
  const menu = menus.get(req.calledNumber);
  if (menu === undefined) return res.send(404, 'No Such Menu');
  // The next server first; a caller that does not get through there tries the others, in the order of q.
  const order = servers.map((_, i) => servers[(turn + i) % servers.length]);
  turn += 1;
  const contacts = order.map((server, i) => `<sip:${menu}@${server}>;q=${(1 - i / order.length).toFixed(2)}`);
  res.send(302, 'Moved Temporarily', { headers: { Contact: contacts.join(', ') } });
  console.log(`${req.callingNumber} goes to ${menu} on ${order[0]}`);
});

app.connect({ contact }, (err, hostport) => {
  if (err) throw err;
  console.log(`listening on ${hostport}`);
});
