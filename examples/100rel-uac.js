'use strict';
// Calls somebody and asks for reliable provisional responses (RFC 3262): each is acknowledged by a PRACK.
//
//   node examples/100rel-uac.js sip:bob@10.0.0.1 [--contact sip:…]

const drachtio = require('..');
const { contact, positionals } = require('./arguments');

const [uri = 'sip:bob@127.0.0.1:5080'] = positionals;
const app = drachtio();

const body = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 40000 RTP/AVP 0',
  '',
].join('\r\n');

app.connect({ contact });
app.request({ uri, method: 'INVITE', headers: { Require: '100rel' }, body }, (err, req) => {
  if (err) throw err;
  req.on('response', (res, ack) => {
    console.log(`${res.status} ${res.reason}${res.has('RSeq') ? ', reliable' : ''}`);
    // For a reliable provisional response `ack` sends the PRACK, for the final one the ACK.
    ack();
    if (res.status < 200) return;
    if (res.status >= 300) return app.disconnect();
    app.request({ method: 'BYE', stackDialogId: res.stackDialogId }, (err, bye) => {
      if (err) throw err;
      bye.on('response', () => app.disconnect());
    });
  });
});
