'use strict';
// A certificate for 127.0.0.1 that signs itself, made anew for each test file.

const { execFileSync } = require('node:child_process');

/** @type {{ cert: string, key: string } | undefined} */
let made;

/** @returns {{ cert: string, key: string }} PEM */
function certificate() {
  made ??= make();
  return made;
}

function make() {
  const pem = execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE'],
      ...['-keyout', '-', '-out', '-'],
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const part = (name) => `${new RegExp(`-----BEGIN ${name}-----[^]*-----END ${name}-----`).exec(pem)[0]}\n`;
  return { cert: part('CERTIFICATE'), key: part('PRIVATE KEY') };
}

/** The option `engine` of `connect` with this certificate, and trust in it. */
function engineWithTls() {
  const { cert, key } = certificate();
  return { tls: { certificates: [{ cert, key }], ca: [cert] } };
}

module.exports = { certificate, engineWithTls };
