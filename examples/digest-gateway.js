'use strict';
// A gate to a telephone provider: our own users prove who they are, and the provider is shown the account of the house.
//
//   TRUNK_USER=house TRUNK_PASSWORD=secret node examples/digest-gateway.js sip.provider.example [--contact sip:…]

const drachtio = require('..');
const { contact, positionals } = require('./arguments');

const [provider = '127.0.0.1:5080'] = positionals;
const account = { username: process.env.TRUNK_USER ?? 'house', password: process.env.TRUNK_PASSWORD ?? 'secret' };
const passwords = new Map([['alice', 'open sesame'], ['bob', 'mellon']]);
const app = drachtio();
const partners = new Map();

// Requests inside a call that is up pass; everybody else must know a password.
app.use(drachtio.digestAuth({ realm: 'house.example', passwords, proxy: true }));

app.invite(async (req, res) => {
  if (req.stackDialogId) return res.send(488, 'No Changes Here');
  const user = req.authorization.username;
  const type = (message) => (message.body ? { 'Content-Type': message.get('Content-Type') } : {});
  const headers = { From: `<sip:${account.username}@${provider}>`, 'P-Asserted-Identity': `<sip:${user}@house.example>`, ...type(req) };
  // The provider asks for the password, and the INVITE is sent again with it: that is still `outgoing`.
  const outgoing = await app.request({ uri: `sip:${req.calledNumber}@${provider}`, method: 'INVITE', headers, body: req.body, auth: account });
  req.on('cancel', () => outgoing.cancel(() => {}));
  outgoing.on('response', (answer, ack) => {
    const opts = { headers: type(answer), body: answer.body };
    if (answer.status < 200) return res.send(answer.status, answer.reason, opts);
    ack();
    // Why our account was refused is not the caller's business.
    if (answer.status >= 300) return res.send([401, 403, 407].includes(answer.status) ? 503 : answer.status);
    res.send(answer.status, opts, (err) => {
      if (err) return hangUp(answer.stackDialogId);
      partners.set(res.stackDialogId, answer.stackDialogId).set(answer.stackDialogId, res.stackDialogId);
      console.log(`${user} talks to ${req.calledNumber}`);
    });
  });
});

app.bye((req, res) => {
  res.send(200);
  const other = partners.get(req.stackDialogId);
  partners.delete(req.stackDialogId);
  if (partners.delete(other)) hangUp(other);
});

function hangUp(stackDialogId) {
  app.request({ stackDialogId, method: 'BYE' }, (err) => err && console.error(err.message));
}

app.connect({ contact }, (err, hostport) => {
  if (err) throw err;
  console.log(`listening on ${hostport}`);
});
