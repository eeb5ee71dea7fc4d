'use strict';
// One application in a worker thread: answers OPTIONS and INVITE, and calls out, so that it is busy whenever it is ended.

const { parentPort, workerData } = require('node:worker_threads');
const drachtio = require('../../..');

const app = drachtio();
app.options((req, res) => res.send(200));
app.invite((req, res) => {
  res.send(180);
  setTimeout(() => res.send(200), 5);
});
app.bye((req, res) => res.send(200));
app.connect({ contact: `sip:127.0.0.1:${workerData.port};transport=udp,tcp` }, (err) => {
  if (err) throw err;
  parentPort.postMessage('ready');
  setInterval(() => app.request({ uri: `sip:x@127.0.0.1:${workerData.sink}`, method: 'OPTIONS' }, () => {}), 20);
});
