'use strict';
// The smallest registrar: accepts every registration, for as long as the phone asks.
//
//   node examples/registrar.js [--contact sip:…]

const drachtio = require('..');
const { contact } = require('./arguments');

const app = drachtio();

app.register((req, res) => {
  const binding = req.getParsedHeader('Contact');
  if (!binding) return res.send(200);

  const expires = binding.params.expires ?? req.get('Expires') ?? '3600';
  res.send(200, { headers: { Contact: `<${binding.uri}>;expires=${expires}` } });
  console.log(expires === '0' ? `${binding.uri} is gone` : `${binding.uri} is here for ${expires} s`);
});

app.connect({ contact }, (err, hostport) => {
  if (err) throw err;
  console.log(`listening on ${hostport}`);
});
