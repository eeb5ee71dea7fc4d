'use strict';
// A caller, a proxying application and its callees: what the tests of the proxy have in common.

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { sipp } = require('./sipp');
const { freePort, startApp, until, whatIsLeft } = require('./app');

const servers = [];

/**
 * Makes one call from SIPp through a proxying application to SIPp, and checks that each side saw what its scenario says.
 *
 * @param {object} options
 * @param {object} [options.caller]  a scenario with its values, as for `sipp`
 * @param {(port: number) => Promise<void>} [options.call] makes the call in its place
 * @param {object[]} options.callees the same, each; without a scenario it is one that is not there
 * @param {object} [options.proxy]  the options of `req.proxy`, without the destinations
 * @param {boolean} [options.isLate]  true when the application proxies only once the caller has given up
 * @param {(app: any) => void} [options.configure]
 * @returns {Promise<{ caller: import('./sipp').Outcome, callees: import('./sipp').Outcome[], err: any, results: any }>}
 */
async function proxiedCall({ caller, call, callees, proxy = {}, isLate = false, configure = () => {} }) {
  const [port, ...ports] = await Promise.all([caller, ...callees].map(freePort));
  const destination = callees.map((callee, i) => {
    const transport = callee.transport ?? 'udp';
    return `sip:callee@127.0.0.1:${ports[i]}${transport === 'udp' ? '' : `;transport=${transport}`}`;
  });
  let answer;
  const server = await startApp((app) => {
    configure(app);
    app.invite((req) => {
      const forward = () => req.proxy({ destination, ...proxy }, (err, results) => (answer = { err, results }));
      if (isLate) req.on('cancel', forward);
      else forward();
    });
  });
  servers.push(server);
  const called = callees
    .map((callee, i) => ({ ...callee, port: ports[i], values: { caller: port, ...callee.values } }))
    .filter(({ scenario }) => scenario)
    .map(sipp);
  // SIPp says nowhere that it listens; the INVITE would be sent again, but a retransmission is what the tests look for.
  await sleep(400);
  const calling = call ? call(server.port) : callOf(caller, { target: server.address, port, callee: ports[0] });
  const outcome = await calling;
  const outcomes = await Promise.all(called.map(({ finished }) => finished));
  const seen = [...outcomes, outcome].filter(Boolean);
  for (const { ok } of seen) assert.ok(ok, seen.map(({ log }) => log).join('\n\n'));
  assert.ok(await until(() => answer), 'the application was told how its proxying ended');
  return { caller: outcome, callees: outcomes, ...answer };
}

function callOf(caller, { target, port, callee }) {
  const values = { user: 'callee', talk: 200, callee, ...caller.values };
  return sipp({ ...caller, values, target, port }).finished;
}

/** Checks that every application of this file has come to rest, and stops them. The last test of each file. */
async function allAtRest() {
  for (const { app, stop } of servers) {
    assert.equal(app.idle, true);
    assert.deepEqual(await whatIsLeft(app), {}, 'engine tables that are not empty');
    await stop();
  }
}

/** The first message with this start, of those that were received. */
function received({ messages, log }, start) {
  const found = messages.find((message) => message.direction === 'received' && message.start.startsWith(start));
  assert.ok(found, `no ${start} was received:\n${log}`);
  return found;
}

/** How many messages with this start were received. */
function count({ messages }, start) {
  return messages.filter((message) => message.direction === 'received' && message.start.startsWith(start)).length;
}

/** The values of a header, one for each line. */
function header({ text }, name) {
  const pattern = new RegExp(`^${name}:[ \\t]*(.*?)\\r?$`, 'gim');
  return [...text.matchAll(pattern)].map(([, value]) => value);
}

module.exports = { allAtRest, count, header, proxiedCall, received };
