'use strict';
// SIP over TLS and secure WebSockets as an application sees it; certificates that are replaced, and those that are refused.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { copyFileSync, readFileSync } = require('node:fs');
const https = require('node:https');
const tls = require('node:tls');
const { setTimeout: sleep } = require('node:timers/promises');
const drachtio = require('../..');
const { issue, missing, selfSigned, tlsTest } = require('./pki');

const authority = missing ? undefined : selfSigned();
const ca = authority && readFileSync(authority.cert);

/** An application on TLS and WSS, with this certificate. */
async function start(t, certificate, configure = () => {}) {
  const app = drachtio();
  configure(app);
  app.connect({
    contact: ['sip:127.0.0.1:0;transport=tls', 'sip:127.0.0.1:0;transport=wss'],
    engine: { tls: { certificates: [certificate], ca: [authority.cert] } },
  });
  const [, hostports] = await once(app, 'connect');
  t.after(() => app.disconnect());
  const port = (transport) => Number(new RegExp(`${transport}/127.0.0.1:(\\d+)`).exec(hostports)[1]);
  return { app, tlsPort: port('tls'), wssPort: port('wss') };
}

function message(method, transport, callId, number, tag = '') {
  const to = tag === '' ? '<sip:app@localhost>' : `<sip:app@localhost>;tag=${tag}`;
  return [
    `${method} sip:app@localhost SIP/2.0`,
    `Via: SIP/2.0/${transport} client.invalid;branch=z9hG4bK${callId}${method}${number}`,
    `From: <sip:me@client.invalid>;tag=me`,
    `To: ${to}`,
    `Call-ID: ${callId}`,
    `CSeq: ${number} ${method}`,
    'Contact: <sip:me@client.invalid;transport=tls>',
    'Max-Forwards: 70',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

/** A client on TLS: `ask` sends a request and resolves to the text of its final response. */
async function connect(port) {
  const socket = tls.connect({ host: '127.0.0.1', port, ca, servername: 'localhost' });
  await once(socket, 'secureConnect');
  let text = '';
  const waiting = [];
  socket.setEncoding('latin1').on('data', (data) => {
    text += data;
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      const response = text.slice(0, end);
      text = text.slice(end + 4);
      if (!response.startsWith('SIP/2.0 1')) waiting.shift()(response);
    }
  });
  return {
    socket,
    fingerprint: socket.getPeerCertificate().fingerprint256,
    say: (request) => socket.write(request),
    ask: (request) => new Promise((resolve) => void waiting.push(resolve) + socket.write(request)),
  };
}

tlsTest('a request over TLS is shown as such, and answered', async (t) => {
  const seen = [];
  const { tlsPort } = await start(t, issue(authority, 'localhost'), (app) => {
    app.options((req, res) => seen.push(req.protocol) && res.send(200));
  });
  const client = await connect(tlsPort);
  assert.match(await client.ask(message('OPTIONS', 'TLS', 'one', 1)), /^SIP\/2.0 200 /);
  assert.deepEqual(seen, ['tls']);
  client.socket.destroy();
});

tlsTest('a request over a secure WebSocket is shown as such, and answered', async (t) => {
  const seen = [];
  const { wssPort } = await start(t, issue(authority, 'localhost'), (app) => {
    app.options((req, res) => seen.push(req.protocol) && res.send(200));
  });
  const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': 13 };
  Object.assign(headers, { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Protocol': 'sip' });
  const request = https.request({ host: '127.0.0.1', port: wssPort, ca, servername: 'localhost', headers });
  request.end();
  const [response, socket] = await once(request, 'upgrade');
  assert.equal(response.headers['sec-websocket-protocol'], 'sip');
  const payload = Buffer.from(message('OPTIONS', 'WSS', 'two', 1));
  // Final frame of text; a mask of zeros leaves everything as it is.
  socket.write(Buffer.concat([Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 0xff, 0, 0, 0, 0]), payload]));
  const [frame] = await once(socket, 'data');
  assert.equal(frame[0], 0x81);
  assert.match(frame.toString('latin1', 4), /^SIP\/2.0 200 /);
  assert.deepEqual(seen, ['wss']);
  socket.destroy();
});

tlsTest('certificates are replaced under traffic, and no call is lost', async (t) => {
  const [old, fresh] = [issue(authority, 'localhost'), issue(authority, 'localhost')];
  const current = { cert: `${old.cert}.current`, key: `${old.key}.current` };
  const install = (files) => void copyFileSync(files.cert, current.cert) + copyFileSync(files.key, current.key);
  install(old);
  let ended = 0;
  const { app, tlsPort } = await start(t, current, (each) => {
    each.invite((req, res) => res.send(200, { headers: { 'Content-Type': 'application/sdp' }, body: 'v=0\r\n' }));
    each.bye((req, res) => {
      ended += 1;
      res.send(200);
    });
  });
  const shown = new Set();
  const call = async (n) => {
    const client = await connect(tlsPort);
    shown.add(client.fingerprint);
    const answer = await client.ask(message('INVITE', 'TLS', `call${n}`, 1));
    assert.match(answer, /^SIP\/2.0 200 /);
    const [, tag] = /^To:.*;tag=([^;\r]+)/m.exec(answer);
    // The body of the answer ends without a blank line.
    client.say(message('ACK', 'TLS', `call${n}`, 1, tag));
    await sleep(100);
    assert.match(await client.ask(message('BYE', 'TLS', `call${n}`, 2, tag)), /SIP\/2.0 200 /);
    client.socket.destroy();
  };
  const calls = [];
  for (let n = 0; n < 100; n++) {
    calls.push(call(n));
    if (n === 50) {
      install(fresh);
      await app.reloadTls();
    }
    await sleep(5);
  }
  await Promise.all(calls);
  assert.equal(ended, 100, 'calls that were ended as they should');
  assert.equal(shown.size, 2, 'certificates that were shown');
  const last = await connect(tlsPort);
  assert.ok(readFileSync(fresh.cert, 'latin1').includes(last.socket.getPeerCertificate().raw.toString('base64').slice(0, 64)));
  last.socket.destroy();
});

tlsTest('new certificates that cannot be used are refused, and the old ones stay', async (t) => {
  const own = issue(authority, 'localhost');
  const { app, tlsPort } = await start(t, own);
  const { fingerprint, socket } = await connect(tlsPort);
  socket.destroy();
  const refused = (options, code) => assert.rejects(app.reloadTls(options), { code });
  await refused({ certificates: [] }, 'DRT_ERR_TLS_NO_CERTIFICATE');
  await refused({ certificates: [{ ...own, cert: '/nowhere.pem' }] }, 'DRT_ERR_TLS_FILE');
  await refused({ certificates: [{ ...own, key: authority.key }] }, 'DRT_ERR_TLS_WRONG_KEY');
  await refused({ certificates: [{ cert: own.cert }] }, 'DRT_ERR_INVALID_OPTION');
  const again = await connect(tlsPort);
  assert.equal(again.fingerprint, fingerprint);
  again.socket.destroy();
});

tlsTest('a contact with TLS and no certificate is an error that says what to give', async () => {
  const app = drachtio();
  app.on('error', () => {});
  app.connect({ contact: 'sip:127.0.0.1:0;transport=tls' });
  const [err] = await once(app, 'error');
  assert.equal(err.code, 'DRT_ERR_TLS_NO_CERTIFICATE');
  assert.match(err.message, /engine\.tls\.certificates/);
});

for (const [what, certificate, reason] of [
  ['a wrong name', () => issue(authority, 'elsewhere.example'), 'the certificate is for another name'],
  ['an expired certificate', () => issue(authority, 'localhost', { expired: true }), 'the certificate has expired'],
  ['a self-signed certificate', () => selfSigned('localhost'), 'the certificate is self-signed'],
  ['a certificate of another authority', () => issue(selfSigned(), 'localhost'), 'the certificate is of an unknown authority'],
]) {
  tlsTest(`${what} is refused, and the application is told`, async (t) => {
    const { app } = await start(t, issue(authority, 'localhost'));
    const files = certificate();
    const server = tls.createServer({ cert: readFileSync(files.cert), key: readFileSync(files.key) }, () => assert.fail('a handshake was completed'));
    server.on('tlsClientError', () => {});
    t.after(() => server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const req = await app.request({ uri: `sip:localhost:${server.address().port};transport=tls`, method: 'OPTIONS' });
    const [res] = await once(req, 'response');
    assert.equal(res.status, 503);
    assert.match(res.get('Warning'), new RegExp(`^399 \\S+ "tls to 127.0.0.1:\\d+: ${reason}"$`));
  });
}

tlsTest('tls.ca: servers of the authorities named there are trusted, and no others', async (t) => {
  const trusted = issue(authority, 'localhost');
  const stranger = selfSigned();
  const serve = async (certificate) => {
    const server = tls.createServer({ cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) }, (socket) => {
      socket.setEncoding('latin1').on('error', () => {}).on('data', (text) => {
        const copied = text.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq):/i.test(line));
        socket.write(['SIP/2.0 200 OK', ...copied, 'Content-Length: 0', '', ''].join('\r\n'));
      });
      t.after(() => socket.destroy());
    });
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    return `sip:localhost:${server.address().port};transport=tls`;
  };
  const { app } = await start(t, trusted);
  const ask = async (uri) => {
    const req = await app.request({ uri, method: 'OPTIONS' });
    const [res] = await once(req, 'response');
    return res;
  };
  assert.equal((await ask(await serve(trusted))).status, 200);
  const refused = await ask(await serve(issue(stranger, 'localhost')));
  assert.equal(refused.status, 503);
  assert.match(refused.get('Warning'), /unknown authority/);
});
