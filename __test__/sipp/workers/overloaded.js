'use strict';
// An application in a worker thread, that can be made to stand still: it answers calls, slowly, or proxies them.

const { parentPort, workerData } = require('node:worker_threads');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const drachtio = require('../../..');

const { port, destinations, work, gate } = workerData;

const SDP = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 40000 RTP/AVP 0', ''].join('\r\n');
const answer = { headers: { 'Content-Type': 'application/sdp' }, body: SDP };

/** Takes so many ms of this thread's time. */
function toil(ms) {
  for (const end = performance.now() + ms; performance.now() < end; );
}

const app = drachtio();
app.invite((req, res) => {
  // Somebody only wants to know whether calls are taken.
  if (req.calledNumber === 'app') return res.send(486);
  if (destinations) return req.proxy({ destination: destinations[req.calledNumber], remainInDialog: true });
  // Only the calls of the flood are much work, not what is asked in those that are there.
  if (req.isNewInvite) toil(work);
  return res.send(200, answer);
});
app.info((req, res) => res.send(200));
app.bye((req, res) => res.send(200));

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');

const tasks = {
  block: () => {
    parentPort.postMessage('blocked');
    Atomics.wait(gate, 0, 0);
    return 'released';
  },
  census: () => app.client.census(),
  counters: () => app.client.counters(),
  heap: () => {
    gc();
    return process.memoryUsage().heapUsed;
  },
};

parentPort.on('message', async (task) => parentPort.postMessage(await tasks[task]()));
app.connect({ contact: `sip:127.0.0.1:${port};transport=udp` }, (err) => {
  if (err) throw err;
  parentPort.postMessage('ready');
});
