'use strict';
// A back-to-back user agent that carries out transfers: who sends a REFER leaves the call, whom it names takes that place, and
// the other side stays. Session timers end the calls whose peer has vanished.
//
//   node examples/transfer.js 10.0.0.1:5060 [--contact sip:…]

const drachtio = require('..');
const { contact, positionals } = require('./arguments');

const [nextHop = '127.0.0.1:5080'] = positionals;
const app = drachtio();

/** The id of a dialog → that of the dialog on the other side. */
const partners = new Map();

/** Those who have asked for a transfer that is under way. They may hang up meanwhile. */
const leaving = new Set();

app.invite(async (req, res) => {
  if (req.stackDialogId) return passOn(req, res);
  const headers = { From: `<sip:${req.callingNumber}@localhost>` };
  const outgoing = await app.request({ uri: `sip:${req.calledNumber}@${nextHop}`, method: 'INVITE', headers, body: req.body });
  req.on('cancel', () => outgoing.cancel());
  for await (const answer of outgoing.responses()) {
    if (answer.status >= 200) await answer.ack();
    if (answer.status < 200 || answer.status >= 300) {
      res.send(answer.status, answer.reason, { body: answer.body });
      continue;
    }
    try {
      await res.send(200, { body: answer.body });
      join(res.stackDialogId, answer.stackDialogId);
    } catch {
      // The caller has given up in the same moment.
      hangUp(answer.stackDialogId);
    }
  }
});

app.update(passOn);

app.refer(async (req, res) => {
  const { stackDialogId } = req;
  const staying = partners.get(stackDialogId);
  const target = req.getParsedHeader('Refer-To');
  if (staying === undefined) return res.send(481);
  // With a Replaces in it, the call to be taken over is one of two that go through here: that is another program.
  if (target === undefined || target.uri.includes('?')) return res.send(501);
  res.send(202);
  leaving.add(stackDialogId);
  notify(stackDialogId, 'active;expires=60', 'SIP/2.0 100 Trying');
  const { status, reason } = await call(target.uri, staying).catch((err) => ({ status: 503, reason: err.message }));
  const isThere = leaving.delete(stackDialogId);
  if (isThere) notify(stackDialogId, 'terminated;reason=noresource', `SIP/2.0 ${status} ${reason}`);
  if (status < 300) partners.delete(stackDialogId);
  else if (!isThere) hangUp(staying);
  console.log(`transfer to ${target.uri}: ${status}`);
});

/**
 * Calls somebody who takes the place of a partner. That one is offered what the called one offers, whose ACK has the answer
 * (RFC 3725, flow I).
 */
async function call(uri, staying) {
  const called = await ask({ uri, method: 'INVITE' });
  if (called.status >= 300) return called;
  const changed = await ask({ stackDialogId: staying, method: 'INVITE', body: called.body }).catch(() => undefined);
  await called.ack({ body: changed?.body });
  await changed?.ack();
  if (changed === undefined || changed.status >= 300) {
    hangUp(called.stackDialogId);
    return { status: 488, reason: 'Not Acceptable Here' };
  }
  join(staying, called.stackDialogId);
  return called;
}

/** The final response to a request. */
async function ask(options) {
  const req = await app.request(options);
  for await (const res of req.responses()) if (res.status >= 200) return res;
}

function notify(stackDialogId, state, body) {
  const headers = { Event: 'refer', 'Subscription-State': state, 'Content-Type': 'message/sipfrag;version=2.0' };
  app.request({ stackDialogId, method: 'NOTIFY', headers, body: `${body}\r\n` });
}

async function passOn(req, res) {
  const stackDialogId = partners.get(req.stackDialogId);
  if (stackDialogId === undefined) return res.send(481);
  const answer = await ask({ stackDialogId, method: req.method, body: req.body });
  await answer.ack();
  res.send(answer.status, answer.reason, { body: answer.body });
}

app.bye((req, res) => {
  res.send(200);
  const other = partners.get(req.stackDialogId);
  partners.delete(req.stackDialogId);
  // Who hangs up during a transfer ends the own call only.
  if (!leaving.delete(req.stackDialogId) && partners.delete(other)) hangUp(other);
});

function join(one, other) {
  partners.set(one, other).set(other, one);
}

function hangUp(stackDialogId) {
  partners.delete(stackDialogId);
  app.request({ stackDialogId, method: 'BYE' }, (err) => err && console.error(err.message));
}

app.connect({ contact, engine: { sessionTimers: { expires: 1800 } } }, (err, hostport) => {
  if (err) throw err;
  console.log(`listening on ${hostport}`);
});
