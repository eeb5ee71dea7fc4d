'use strict';
// An application of drachtio-srf in a process of its own: answers calls and MESSAGEs. Arguments: the port of the server, and a tag.

const Srf = require('drachtio-srf');
const { SDP, SECRET, routed } = require('./support');

const [port, tag] = process.argv.slice(2);
const srf = new Srf(tag === undefined ? [] : [tag]);

srf.invite((req, res) => srf.createUAS(req, res, { localSdp: SDP }).catch(() => {}));
srf.message((req, res) => res.send(200));
srf.on('error', () => {});
srf.connect({ host: '127.0.0.1', port: Number(port), secret: SECRET });
srf.once('connect', async () => {
  await routed(srf);
  process.send('connected');
});
