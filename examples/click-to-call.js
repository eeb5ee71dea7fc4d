'use strict';
// Calls two people and connects them, as a link in a web page would ask for (RFC 3725, flow I).
//
//   node examples/click-to-call.js [--contact sip:…] [HTTP port]
//   curl -X POST 'http://127.0.0.1:8080/call?from=sip:alice@10.0.0.1&to=sip:bob@10.0.0.2'
//
// Alice is called without an offer. What she offers in her 200 is offered to Bob, whose answer goes to Alice in her ACK.

const http = require('node:http');
const drachtio = require('..');
const { contact, positionals } = require('./arguments');

const [port = '8080'] = positionals;
const app = drachtio();
const partners = new Map();

async function connect(from, to) {
  const alice = await call(from, { headers: { From: `<${to}>` } });
  try {
    const bob = await call(to, { headers: { From: `<${from}>`, 'Content-Type': 'application/sdp' }, body: alice.res.body });
    bob.ack();
    alice.ack({ headers: { 'Content-Type': 'application/sdp' }, body: bob.res.body });
    partners.set(alice.dialog, bob.dialog).set(bob.dialog, alice.dialog);
  } catch (err) {
    alice.ack();
    hangUp(alice.dialog);
    throw err;
  }
}

/** Calls somebody. Resolves when the call is answered; it must then be acknowledged. */
async function call(uri, options) {
  const req = await app.request({ uri, method: 'INVITE', ...options });
  return new Promise((resolve, reject) => {
    const patience = setTimeout(() => req.cancel(() => {}), 30_000);
    req.on('response', (res, ack) => {
      if (res.status < 200) return;
      clearTimeout(patience);
      if (res.status < 300) return resolve({ res, ack, dialog: res.stackDialogId });
      ack();
      reject(new Error(`${uri} answered ${res.status} ${res.reason}`));
    });
  });
}

function hangUp(stackDialogId) {
  app.request({ stackDialogId, method: 'BYE' }, (err) => err && console.error(err.message));
}

// Whoever hangs up ends both calls.
app.bye((req, res) => {
  res.send(200);
  const other = partners.get(req.stackDialogId);
  partners.delete(req.stackDialogId);
  if (partners.delete(other)) hangUp(other);
  console.log('hung up');
});

const server = http.createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const [from, to] = ['from', 'to'].map((name) => searchParams.get(name));
  const reply = (status, text) => response.writeHead(status, { 'Content-Type': 'text/plain' }).end(`${text}\n`);
  if (request.method !== 'POST' || pathname !== '/call' || !from || !to) return reply(400, 'POST /call?from=sip:…&to=sip:…');
  try {
    await connect(from, to);
    console.log(`connected ${from} with ${to}`);
    return reply(200, 'connected');
  } catch (err) {
    return reply(502, err.message);
  }
});

app.connect({ contact }, (err, hostport) => {
  if (err) throw err;
  // It makes calls for whoever asks: only this machine may.
  server.listen(Number(port), '127.0.0.1', () => console.log(`listening on ${hostport} and http port ${server.address().port}`));
});
