'use strict';
// An application on a server, in a process of its own: answers OPTIONS and calls. Arguments: its framework, and the port of the server.

const SDP = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 40000 RTP/AVP 0', ''].join('\r\n');

const [framework, port] = process.argv.slice(2);
const Srf = require(framework);
const app = new Srf();

app.options((req, res) => res.send(200));
app.invite((req, res) => res.send(200, { headers: { 'Content-Type': 'application/sdp' }, body: SDP }));
app.bye((req, res) => res.send(200));
app.connect({ host: '127.0.0.1', port: Number(port), secret: 'bench' });
app.once('connect', () => {
  // What was routed before is routed when this fails: the server does not listen on TCP.
  app.request('sip:nobody@127.0.0.1;transport=tcp', { method: 'OPTIONS' }, () => process.send('ready'));
});
process.on('message', () => process.send(process.cpuUsage()));
