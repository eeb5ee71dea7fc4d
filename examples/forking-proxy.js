'use strict';
// Rings three destinations at once. The first to answer has the call; the others are cancelled.
//
//   node examples/forking-proxy.js sip:10.0.0.1 sip:10.0.0.2 sip:10.0.0.3

const drachtio = require('..');
const { contact, positionals } = require('./arguments');

const destination = positionals.length > 0 ? positionals : ['sip:10.0.0.1', 'sip:10.0.0.2', 'sip:10.0.0.3'];
const app = drachtio();

app.invite(async (req) => {
  req.on('provisional', ({ status }, { target }) => console.log(`  ${target}: ${status}`));
  const { finalStatus, branches } = await req.proxy({ destination, forking: 'simultaneous', remainInDialog: false });
  console.log(`final status ${finalStatus}`);
  for (const { target, reason, status = '', duration } of branches) console.log(`  ${target}: ${reason} ${status} after ${duration} ms`);
});

app.connect({ contact }, (err, hostport) => {
  if (err) throw err;
  console.log(`listening on ${hostport}`);
});
