'use strict';
// What `npm start` runs: a registrar, and a proxy that rings every phone a user has registered.
//
//   npm start                                                    UDP and TCP, port 5060, every address
//   npm start -- --contact 'sip:127.0.0.1:5080;transport=udp'    somewhere else (may be repeated)

const { parseArgs } = require('node:util');
const drachtio = require('..');
const { demoCall } = require('./demo_call');
const { drawLadder } = require('./ladder');

const { values: options } = parseArgs({ options: { contact: { type: 'string', multiple: true } } });
const contact = options.contact ?? ['sip:*:5060;transport=udp,tcp'];

/** User → where that user can be reached: contact URI → when that binding ends, in ms. */
const users = new Map();
const app = drachtio();

app.register((req, res) => {
  const user = userOf(req.getParsedHeader('To').uri);
  const contacts = req.getParsedHeader('Contact') ?? [];
  const expires = (params) => Math.min(Number(params.expires ?? req.get('Expires') ?? 3600), 3600);
  if (contacts.some(({ uri, params }) => (uri === '*' && req.get('Expires') !== '0') || !(expires(params) >= 0))) {
    return res.send(400);
  }
  const bindings = bindingsOf(user) ?? users.set(user, new Map()).get(user);
  for (const { uri, params } of contacts) {
    if (uri === '*') bindings.clear();
    else if (expires(params) === 0) bindings.delete(uri);
    else bindings.set(uri, Date.now() + expires(params) * 1000);
  }
  const left = (end) => Math.ceil((end - Date.now()) / 1000);
  const list = [...bindings].map(([uri, end]) => `<${uri}>;expires=${left(end)}`);
  res.send(200, { headers: list.length > 0 ? { Contact: list.join(', ') } : {} });
  console.log(`register  ${user}: ${[...bindings.keys()].join(', ') || 'no phone'}`);
});

app.invite((req, res) => {
  const call = `call      ${req.callingNumber} → ${req.calledNumber}:`;
  const bindings = bindingsOf(req.calledNumber);
  if (!bindings) return res.send(404, () => console.log(call, '404, nobody of that name'));
  if (bindings.size === 0) return res.send(480, () => console.log(call, '480, no phone registered'));
  const destination = [...bindings.keys()];
  req.proxy({ destination, forking: 'simultaneous', remainInDialog: true }, (err, results) => {
    console.log(call, err ? err.message : results.connected ? 'answered' : `ended with ${results.finalStatus ?? 'no answer'}`);
  });
});

app.options((req, res) => res.send(200, { headers: { Allow: 'INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER' } }));

app.connect({ contact }, async (err, hostport) => {
  if (err) {
    const hint = err.code === 'EADDRINUSE' ? '\nAnother port: npm start -- --contact "sip:*:5070;transport=udp,tcp"' : '';
    console.error(`drachtio cannot start: ${err.message}${hint}`);
    process.exit(1);
  }
  console.log(`drachtio listens on\n  ${hostport.replaceAll(',', '\n  ')}\n`);
  try {
    const ladder = drawLadder(await demoCall(hostport));
    console.log(`\nTwo phones inside this process have just called each other through it:\n\n${ladder}`);
  } catch (err) {
    console.error(`The phones inside this process could not call each other: ${err.message}`);
  }
  console.log(`\nNow yours: register a phone as any user, with this machine as its server.\nCtrl-C ends it.\n`);
});

/** The bindings of a user that have not ended, or undefined for a user who never registered. */
function bindingsOf(user) {
  const bindings = users.get(user);
  for (const [uri, end] of bindings ?? []) if (end <= Date.now()) bindings.delete(uri);
  return bindings;
}

/** The user part of a SIP URI. */
function userOf(uri) {
  return /^sips?:([^@;]+)@/i.exec(uri)?.[1] ?? '';
}
