'use strict';
// Asks a SIP server whether it is there.
//
//   node examples/options-ping.js sip:10.0.0.1 [--contact sip:…]

const drachtio = require('..');
const { contact, positionals } = require('./arguments');

const [uri = 'sip:127.0.0.1:5080'] = positionals;
const app = drachtio();

app.connect({ contact });

// The connection need not be up yet: the request is sent as soon as it is.
app.request({ uri, method: 'OPTIONS', headers: { 'User-Agent': 'drachtio ping' } }, (err, req) => {
  if (err) throw err;
  req.on('response', (res) => {
    console.log(`${uri} answered ${res.status} ${res.reason}`);
    app.disconnect();
  });
});
