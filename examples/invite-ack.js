'use strict';
// Calls somebody, acknowledges the answer, and hangs up after a second.
//
//   node examples/invite-ack.js sip:bob@10.0.0.1 [--contact sip:…]

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
app.request({ uri, method: 'INVITE', body }, (err, req) => {
  if (err) throw err;
  req.on('response', (res, ack) => {
    console.log(`${res.status} ${res.reason}`);
    if (res.status < 200) return;
    ack();
    if (res.status >= 300) return app.disconnect();
    setTimeout(hangUp, 1000, res.stackDialogId);
  });
});

function hangUp(stackDialogId) {
  app.request({ method: 'BYE', stackDialogId }, (err, req) => {
    if (err) throw err;
    req.on('response', (res) => {
      console.log(`BYE: ${res.status} ${res.reason}`);
      app.disconnect();
    });
  });
}
