'use strict';
// What each thread of workers.js runs: an application as any other. `connect` without options means the shared engine.

const { threadId } = require('node:worker_threads');
const drachtio = require('..');

const app = drachtio();

app.invite((req, res) => res.send(200, { headers: { 'X-Thread': threadId } }));
app.bye((req, res) => res.send(200));
app.options((req, res) => res.send(200));
app.message((req, res) => {
  res.send(200);
  // To see what happens then.
  if (req.body === 'die') setImmediate(() => process.exit(1));
});

app.connect((err) => {
  if (err) throw err;
  console.log(`thread ${threadId} takes requests`);
});
