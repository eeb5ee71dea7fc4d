'use strict';

const { parseArgs } = require('node:util');
const { serve } = require('./server');

/** The flags of `drachtio serve`. */
const FLAGS = /** @type {const} */ ({
  contact: { type: 'string', multiple: true },
  address: { type: 'string' },
  port: { type: 'string' },
  'tls-port': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  secret: { type: 'string' },
  adopt: { type: 'string' },
});

/**
 * Runs a server until it is told to end.
 *
 * @param {string[]} args
 */
async function run(args) {
  try {
    const server = await serve(readFlags(args));
    console.log(`SIP on ${server.hostports.join(', ')}; applications on ${server.adminHostports.join(', ')}`);
  } catch (err) {
    console.error(`drachtio serve: ${/** @type {Error} */ (err).message}`);
    process.exitCode = 1;
  }
}

/** @param {string[]} args */
function readFlags(args) {
  const { values } = parseArgs({ args, options: FLAGS });
  const certificate = values['tls-cert'] === undefined ? undefined : { cert: values['tls-cert'], key: values['tls-key'] ?? values['tls-cert'] };
  return {
    contact: values.contact,
    admin: {
      host: values.address,
      port: number(values.port),
      tlsPort: number(values['tls-port']),
      certificate,
      secret: values.secret,
      adopt: number(values.adopt),
    },
  };
}

/** @param {string | undefined} text */
function number(text) {
  return text === undefined ? undefined : Number(text);
}

module.exports = { run };
