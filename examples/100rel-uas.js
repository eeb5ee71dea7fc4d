'use strict';
// Answers a call with a reliable 183 (RFC 3262), and with the 200 once the caller has acknowledged the 183 by its PRACK.
//
//   node examples/100rel-uas.js [--contact sip:…]

const drachtio = require('..');
const { contact } = require('./arguments');

const app = drachtio();

const body = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 40002 RTP/AVP 0',
  '',
].join('\r\n');

app.invite((req, res) => {
  const early = { headers: { Require: '100rel' }, body };
  res.send(183, early, report('183'), () => {
    console.log('PRACK received');
    res.send(200, { body }, report('200'), () => console.log('ACK received'));
  });
});

app.prack((req, res) => res.send(200));
app.bye((req, res) => res.send(200));

app.connect({ contact }, (err, hostport) => {
  if (err) throw err;
  console.log(`listening on ${hostport}`);
});

function report(status) {
  return (err) => console.log(err ? `${status} not sent: ${err.message}` : `${status} sent`);
}
