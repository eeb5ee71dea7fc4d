'use strict';
// The application that the test of the packed package runs, in a folder where only that package is installed.

const drachtio = require('drachtio');

const app = drachtio();
app.options((req, res) => res.send(200));
app.invite((req, res) => res.send(486));
app.connect({ contact: `sip:127.0.0.1:${process.argv[2]};transport=udp,tcp` }, (err) => {
  if (err) throw err;
  console.log('listening');
});
