'use strict';
// A back-to-back user agent: takes a call, makes another one to the next hop, and passes on what is said in either.
// Neither side sees the address, Call-ID or tags of the other.
//
//   node examples/b2bua.js 10.0.0.1:5060 [--contact sip:…]

const drachtio = require('..');
const { contact, positionals } = require('./arguments');

const [nextHop = '127.0.0.1:5080'] = positionals;
const app = drachtio();

/** The id of a dialog → that of the dialog on the other side. */
const partners = new Map();

app.invite(async (req, res) => {
  if (req.stackDialogId) return passOn(req, res);
  const headers = { From: req.get('From').replace(/;tag=[^;]*/, ''), ...typeOf(req) };
  const uri = `sip:${req.calledNumber}@${nextHop}`;
  const outgoing = await app.request({ uri, method: 'INVITE', headers, body: req.body });
  req.on('cancel', () => outgoing.cancel(() => {}));
  outgoing.on('response', (answer, ack) => {
    const opts = { headers: typeOf(answer), body: answer.body };
    if (answer.status < 200) return res.send(answer.status, answer.reason, opts);
    if (answer.status >= 300) {
      ack();
      return res.send(answer.status, answer.reason);
    }
    // An INVITE without an offer is answered with one, and its ACK brings the answer.
    if (req.body) ack();
    res.send(answer.status, answer.reason, opts, join, (theirAck) => {
      if (!req.body) ack({ headers: typeOf(theirAck), body: theirAck.body });
    });

    function join(err) {
      if (err) {
        // The caller has given up in the same moment.
        if (!req.body) ack();
        return hangUp(answer.stackDialogId);
      }
      partners.set(res.stackDialogId, answer.stackDialogId).set(answer.stackDialogId, res.stackDialogId);
      console.log(`connected ${req.callingNumber} to ${req.calledNumber}`);
    }
  });
});

for (const method of ['bye', 'info', 'message', 'update', 'refer', 'notify']) app[method](passOn);

/** Sends a request of one side on to the other, and the answer back. */
async function passOn(req, res) {
  const other = partners.get(req.stackDialogId);
  if (other === undefined) return res.send(req.method === 'BYE' ? 200 : 481);
  if (req.method === 'BYE') {
    partners.delete(req.stackDialogId);
    partners.delete(other);
    console.log('hung up');
  }
  const kept = ['Content-Type', 'Info-Package', 'Refer-To', 'Event', 'Subscription-State', 'Reason'];
  const headers = Object.fromEntries(kept.filter((name) => req.has(name)).map((name) => [name, req.get(name)]));
  const sent = await app.request({ stackDialogId: other, method: req.method, headers, body: req.body });
  sent.on('response', (answer, ack) => {
    if (answer.status < 200) return;
    if (req.body) ack();
    res.send(answer.status, answer.reason, { headers: typeOf(answer), body: answer.body }, undefined, (theirAck) => {
      if (!req.body) ack({ headers: typeOf(theirAck), body: theirAck.body });
    });
  });
}

function hangUp(stackDialogId) {
  app.request({ stackDialogId, method: 'BYE' }, (err) => err && console.error(err.message));
}

function typeOf(message) {
  return message.body ? { 'Content-Type': message.get('Content-Type') } : {};
}

app.connect({ contact }, (err, hostport) => {
  if (err) throw err;
  console.log(`listening on ${hostport}`);
});
