'use strict';
// The application under load, in a process of its own, over one transport: answers OPTIONS and calls, or proxies them. Reports on itself when asked.

const drachtio = require('../..');

const SDP = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 40000 RTP/AVP 0', ''].join('\r\n');
const answer = { headers: { 'Content-Type': 'application/sdp' }, body: SDP };

/** What the application does with an INVITE: the first argument says which. */
const handlers = {
  answer: (req, res) => res.send(200, answer),
  proxy: (req) => req.proxy({ remainInDialog: true }, () => {}),
};

const [kind, transport, port, cert, key] = process.argv.slice(2);
const app = drachtio();
app.options((req, res) => res.send(200));
app.invite(handlers[kind]);
app.bye((req, res) => res.send(200));
const engine = cert ? { tls: { certificates: [{ cert, key }] } } : {};
app.connect({ contact: `sip:127.0.0.1:${port};transport=${transport}`, engine }, (err) => {
  if (err) throw err;
  process.send('ready');
});

/** What this process can say of itself. The garbage collection is not to count as the work of the load before it. */
const reports = {
  cpu: () => process.cpuUsage(),
  memory: () => {
    globalThis.gc();
    return process.memoryUsage();
  },
  connections: () => app.client.census().connections,
};

process.on('message', (name) => process.send(reports[name]()));
