'use strict';
// SIPp as the other end of a call with an application.

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { freePort, startApp } = require('../sipp/app');
const { sipp } = require('../sipp/sipp');

/** The transports that SIPp is tried on. */
const TRANSPORTS = ['udp', 'tcp'];

/**
 * Starts an application and lets SIPp call it.
 *
 * @param {object} options as for `sipp`
 * @param {(app: any) => void} configure adds the application's handlers
 * @returns {Promise<import('../sipp/sipp').Outcome>} of a call that went as its scenario says
 */
async function sippCalls(options, configure) {
  const { address } = await startApp(configure);
  const values = { user: 'app', talk: 50, ...options.values };
  return wentWell(sipp({ ...options, values, target: address, port: await freePort() }).finished);
}

/**
 * Starts an application and a SIPp that it can call.
 *
 * @param {object} options as for `sipp`
 * @param {(app: any) => void} [configure] adds the application's handlers
 * @returns {Promise<{ app: any, uri: string, outcome: Promise<import('../sipp/sipp').Outcome> }>} `uri` is that of SIPp
 */
async function sippIsCalled(options, configure = () => {}) {
  const { transport = 'udp' } = options;
  const { app } = await startApp(configure);
  const port = await freePort();
  const values = { ring: 50, talk: 50, ...options.values };
  const { finished } = sipp({ ...options, values, port });
  // SIPp says nowhere that it listens.
  await sleep(400);
  return { app, uri: `sip:callee@127.0.0.1:${port};transport=${transport}`, outcome: wentWell(finished) };
}

async function wentWell(finished) {
  const outcome = await finished;
  assert.ok(outcome.ok, outcome.log);
  assert.equal(outcome.retransmissions, 0, outcome.log);
  return outcome;
}

module.exports = { TRANSPORTS, sippCalls, sippIsCalled, wentWell };
