'use strict';
// SIPp as the other end of a call with an application.

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { freePort, startApp } = require('../sipp/app');
const { sipp } = require('../sipp/sipp');
const { engineWithTls } = require('./certificate');
const { tunnelFrom, tunnelTo } = require('./tls_tunnel');

/** The transports that SIPp is tried on. */
const TRANSPORTS = ['udp', 'tcp', 'tls'];

/**
 * Starts an application and lets SIPp call it.
 *
 * @param {object} options as for `sipp`, and also `tls` as its transport
 * @param {(app: any) => void} configure adds the application's handlers
 * @returns {Promise<import('../sipp/sipp').Outcome>} of a call that went as its scenario says
 */
async function sippCalls(options, configure) {
  const running = await startApp(configure, withTransport(options));
  return wentWell(sipp(await calling(running, options)).finished);
}

/** The options of a SIPp that begins a scenario with a running application. */
async function calling({ ports }, options) {
  const { transport = 'udp' } = options;
  const values = { user: 'app', talk: 50, ...options.values };
  const all = { ...options, values, port: await freePort(), target: `127.0.0.1:${ports[transport]}` };
  if (transport !== 'tls') return all;
  const tunnel = await tunnelTo(ports.tls);
  const keywords = { transport: 'TLS', local_port: tunnel.local, remote_port: ports.tls };
  return { ...all, transport: 'tcp', target: `127.0.0.1:${tunnel.port}`, keywords };
}

/**
 * Starts an application and a SIPp that it can call.
 *
 * @param {object} options as for `sipp`, and also `tls` as its transport; `near`: what the application speaks, if not this
 * @param {(app: any) => void} [configure] adds the application's handlers
 * @returns {Promise<{ app: any, uri: string, outcome: Promise<import('../sipp/sipp').Outcome> }>} `uri` is that of SIPp
 */
async function sippIsCalled(options, configure = () => {}) {
  const { transport = 'udp', near = transport } = options;
  const { app } = await startApp(configure, withTransport({ transport: near }));
  const port = await freePort();
  const values = { ring: 50, talk: 50, ...options.values };
  const outer = transport === 'tls' ? await tunnelFrom(port) : port;
  const asTls = transport === 'tls' && { transport: 'tcp', keywords: { transport: 'TLS', local_port: outer } };
  const { finished } = sipp({ ...options, values, port, ...asTls });
  // SIPp says nowhere that it listens.
  await sleep(400);
  return { app, uri: `sip:callee@127.0.0.1:${outer};transport=${transport}`, outcome: wentWell(finished) };
}

/** The options of an application that speaks a transport. */
const withTransport = ({ transport }) => (transport === 'tls' ? { further: ['tls'], engine: engineWithTls() } : {});

async function wentWell(finished) {
  const outcome = await finished;
  assert.ok(outcome.ok, outcome.log);
  assert.equal(outcome.retransmissions, 0, outcome.log);
  return outcome;
}

module.exports = { TRANSPORTS, calling, sippCalls, sippIsCalled, wentWell, withTransport };
