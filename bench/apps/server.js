'use strict';
// The server of applications under load, in a process of its own.

const drachtio = require('../..');

const [port] = process.argv.slice(2);

drachtio.serve({ contact: `sip:127.0.0.1:${port};transport=udp`, admin: { host: '127.0.0.1', port: 0, secret: 'bench' } }).then((server) => {
  process.on('message', () => process.send(process.cpuUsage()));
  process.send({ adminPort: Number(server.adminHostports[0].split(':').pop()) });
});
