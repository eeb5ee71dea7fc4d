'use strict';
// The front of a WebRTC gateway: browsers register here over secure WebSockets, telephones over UDP and TCP, and each calls
// the other. It stays in the path, so that requests of either side find the way to a browser that nobody can connect to.
//
//   node examples/webrtc-front.js --cert cert.pem --key key.pem [--contact 'sip:*:8443;transport=wss' …]
//
// The media is theirs: a telephone that does not speak WebRTC needs a media gateway behind this, such as rtpengine.

const { parseArgs } = require('node:util');
const drachtio = require('..');

const { values: options } = parseArgs({
  options: { cert: { type: 'string' }, key: { type: 'string' }, contact: { type: 'string', multiple: true } },
});
const contact = options.contact ?? ['sip:*:8443;transport=wss', 'sip:*:5060;transport=udp,tcp'];
const tls = options.cert && { certificates: [{ cert: options.cert, key: options.key }] };
const app = drachtio();

/** User → contact URI → when that binding ends, in ms. */
const users = new Map();

app.register((req, res) => {
  const user = userOf(req.getParsedHeader('To').uri);
  const bindings = users.get(user) ?? users.set(user, new Map()).get(user);
  for (const { uri, params } of req.getParsedHeader('Contact') ?? []) {
    const expires = Number(params.expires ?? req.get('Expires') ?? 300);
    if (uri === '*') bindings.clear();
    else if (expires === 0) bindings.delete(uri);
    else bindings.set(uri, Date.now() + expires * 1000);
  }
  const list = [...bindings].map(([uri, end]) => `<${uri}>;expires=${Math.ceil((end - Date.now()) / 1000)}`);
  res.send(200, { headers: list.length > 0 ? { Contact: list.join(', ') } : {} });
  console.log(`${user} is at ${list.length} places, last over ${req.protocol}`);
});

app.use((req, res, next) => {
  if (req.method !== 'INVITE' && req.method !== 'MESSAGE') return next();
  const bindings = users.get(req.calledNumber) ?? new Map();
  for (const [uri, end] of bindings) if (end <= Date.now()) bindings.delete(uri);
  if (bindings.size === 0) return res.send(480);
  req.proxy({ destination: [...bindings.keys()], forking: 'simultaneous', remainInDialog: true }, (err, results) => {
    console.log(`${req.protocol}: ${req.callingNumber} → ${req.calledNumber}: ${err ? err.message : results.finalStatus}`);
  });
});

// A browser that closes its page says nothing; its connection does.
app.on('connection:closed', ({ registrations }) => {
  for (const bindings of users.values()) for (const uri of registrations) bindings.delete(uri);
});

app.connect({ contact, ...(tls && { engine: { tls } }) }, (err, hostport) => {
  if (err) throw err;
  console.log(`listening on ${hostport}`);
});

function userOf(uri) {
  return drachtio.parseUri(uri)?.user ?? '';
}
