'use strict';
// One engine, and a thread of the application for each processor. Each thread runs `workers-thread.js`.
//
//   node examples/workers.js [--contact sip:…] [how many]

const path = require('node:path');
const drachtio = require('..');
const { contact, positionals } = require('./arguments');

async function main() {
  const count = positionals.length > 0 ? Number(positionals[0]) : undefined;
  const workers = await drachtio.workers(path.join(__dirname, 'workers-thread.js'), { contact, count });
  workers.on('online', (number) => console.log(`thread ${number} has started`));
  workers.on('died', (number, why) => console.log(`thread ${number} has died: ${why?.message ?? why}`));
  console.log(`listening on ${workers.hostports.join(', ')} with ${workers.count} threads`);
  // No new calls; those that are up may go on for a minute.
  process.once('SIGTERM', () => workers.drain({ deadline: 60_000 }));
}

main();
