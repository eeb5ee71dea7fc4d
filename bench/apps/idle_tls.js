'use strict';
// An application on TLS that tells its memory: `node --expose-gc idle_tls.js port cert key`.

const drachtio = require('../..');

const [, , port, cert, key] = process.argv;
const app = drachtio();
app.options((req, res) => res.send(200));
app.connect({ contact: `sip:127.0.0.1:${port};transport=tls`, engine: { tls: { certificates: [{ cert, key }] } } }, () => process.send('up'));
process.on('message', () => {
  globalThis.gc();
  const { rss, heapTotal } = process.memoryUsage();
  process.send({ native: rss - heapTotal, connections: app.client.census().connections });
});
