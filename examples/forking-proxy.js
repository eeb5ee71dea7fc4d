'use strict';
// Rings three destinations at once. The first to answer has the call; the others are cancelled.
//
//   node examples/forking-proxy.js sip:10.0.0.1 sip:10.0.0.2 sip:10.0.0.3

const drachtio = require('..');
const { contact, positionals } = require('./arguments');

const destination = positionals.length > 0 ? positionals : ['sip:10.0.0.1', 'sip:10.0.0.2', 'sip:10.0.0.3'];
const app = drachtio();

app.invite((req) => {
  req.proxy({ destination, forking: 'simultaneous', remainInDialog: false }, (err, results) => {
    if (err) return console.error(`not proxied: ${err.message}`);
    console.log(`final status ${results.finalStatus}`);
    for (const { address, port, msgs } of results.responses) {
      console.log(`  ${address}:${port} answered ${msgs.map(({ status }) => status).join(', ')}`);
    }
  });
});

app.connect({ contact }, (err, hostport) => {
  if (err) throw err;
  console.log(`listening on ${hostport}`);
});
