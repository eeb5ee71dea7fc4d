'use strict';
// Shares calls among servers, in turn, and leaves out those that do not answer OPTIONS.
//
//   node examples/load-balancer.js sip:10.0.0.1 sip:10.0.0.2 [--contact sip:…]

const drachtio = require('..');
const { contact, positionals } = require('./arguments');

const EVERY = 2_000;
const servers = (positionals.length > 0 ? positionals : ['sip:10.0.0.1', 'sip:10.0.0.2']).map((uri) => ({ uri, isUp: undefined }));
const app = drachtio();

function ping(server) {
  app.request({ uri: server.uri, method: 'OPTIONS', headers: { 'Max-Forwards': 0 } }, (err, req) => {
    // 408 and 503 are what the engine answers in place of a server that is silent, or not there.
    if (err) mark(server, false);
    else req.on('response', (res) => mark(server, res.status !== 408 && res.status !== 503));
  });
}

function mark(server, isUp) {
  if (server.isUp !== isUp) console.log(`${server.uri} is ${isUp ? 'up' : 'down'}`);
  server.isUp = isUp;
}

let turn = 0;
app.invite((req, res) => {
  const up = servers.filter(({ isUp }) => isUp);
  if (up.length === 0) return res.send(503, { headers: { 'Retry-After': 5 } });
  turn = (turn + 1) % up.length;
  // The others follow, should the first one fail after all.
  const destination = [...up.slice(turn), ...up.slice(0, turn)].map(({ uri }) => uri);
  req.proxy({ destination, forking: 'serial', provisionalTimeout: '2s', remainInDialog: true }, (err, results) => {
    console.log(`${req.callingNumber}: ${err ? err.message : results.finalStatus}, first choice ${destination[0]}`);
  });
});

app.connect({ contact }, (err, hostport) => {
  if (err) throw err;
  console.log(`listening on ${hostport}`);
  for (const server of servers) {
    ping(server);
    setInterval(ping, EVERY, server);
  }
});
