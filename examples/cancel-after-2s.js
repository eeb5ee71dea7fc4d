'use strict';
// Calls somebody, and gives up when nobody has answered after two seconds.
//
//   node examples/cancel-after-2s.js sip:bob@10.0.0.1 [--contact sip:…]

const drachtio = require('..');
const { contact, positionals } = require('./arguments');

const [uri = 'sip:bob@127.0.0.1:5080'] = positionals;
const app = drachtio();

app.connect({ contact });
app.request({ uri, method: 'INVITE', headers: { Subject: 'two seconds' } }, (err, req) => {
  if (err) throw err;
  const patience = setTimeout(() => {
    req.cancel((err) => console.log(err ? `not cancelled: ${err.message}` : 'cancelled'));
  }, 2000);
  req.on('response', (res, ack) => {
    console.log(`${res.status} ${res.reason}`);
    if (res.status < 200) return;
    clearTimeout(patience);
    ack();
    app.disconnect();
  });
});
