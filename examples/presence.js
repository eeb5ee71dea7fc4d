'use strict';
// A presence server (RFC 3856, RFC 3903): phones PUBLISH what their users do, and those who SUBSCRIBE to a user are told.
//
//   node examples/presence.js [--contact sip:…]

const { randomUUID } = require('node:crypto');
const drachtio = require('..');
const { contact } = require('./arguments');

const TYPE = 'application/pidf+xml';
const LONGEST = 3600;
const app = drachtio();

/** User → what was published last, and who watches: the id of the subscription's dialog → when it ends, in ms. */
const users = new Map();

app.publish((req, res) => {
  if (req.get('Event') !== 'presence') return res.send(489, { headers: { 'Allow-Events': 'presence' } });
  const user = userOf(req.uri);
  const { etag, until } = user;
  const named = req.get('SIP-If-Match');
  if (named !== undefined && (named !== etag || until < Date.now())) return res.send(412);
  const expires = lifetime(req);
  if (req.body) user.document = req.body;
  if (expires === 0) user.document = undefined;
  Object.assign(user, { etag: randomUUID(), until: Date.now() + expires * 1000 });
  res.send(200, { headers: { 'SIP-ETag': user.etag, Expires: expires } });
  for (const dialog of user.watchers.keys()) notify(user, dialog);
});

app.subscribe((req, res) => {
  if (req.get('Event') !== 'presence') return res.send(489, { headers: { 'Allow-Events': 'presence' } });
  const user = userOf(req.uri);
  const expires = lifetime(req);
  res.send(200, { headers: { Expires: expires } }, (err) => {
    if (err) return console.error(err.message);
    const dialog = res.stackDialogId;
    user.watchers.set(dialog, Date.now() + expires * 1000);
    console.log(`${req.callingNumber} watches ${user.name} for ${expires} s`);
    // Whoever subscribes is told at once how things are (RFC 6665 §4.2.1.2).
    notify(user, dialog);
  });
});

function notify(user, dialog) {
  const left = Math.ceil((user.watchers.get(dialog) - Date.now()) / 1000);
  const isOver = left <= 0;
  if (isOver) user.watchers.delete(dialog);
  const headers = { Event: 'presence', 'Subscription-State': isOver ? 'terminated;reason=timeout' : `active;expires=${left}` };
  const isKnown = user.document !== undefined && user.until > Date.now();
  const options = isKnown ? { headers: { ...headers, 'Content-Type': TYPE }, body: user.document } : { headers };
  app.request({ stackDialogId: dialog, method: 'NOTIFY', ...options }, (err, req) => {
    // A watcher that is not there any more, or does not want to know.
    if (err) user.watchers.delete(dialog);
    else req.on('response', (res) => res.status >= 300 && user.watchers.delete(dialog));
  });
}

function userOf(uri) {
  const name = drachtio.parseUri(uri)?.user ?? '';
  if (!users.has(name)) users.set(name, { name, document: undefined, etag: undefined, until: 0, watchers: new Map() });
  return users.get(name);
}

function lifetime(req) {
  const asked = Number(req.get('Expires') ?? LONGEST);
  return asked >= 0 ? Math.min(asked, LONGEST) : LONGEST;
}

app.connect({ contact }, (err, hostport) => {
  if (err) throw err;
  console.log(`listening on ${hostport}`);
});
