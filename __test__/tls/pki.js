'use strict';
// Certificates made for a test, by the program openssl.

const { execFileSync, spawnSync } = require('node:child_process');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { after, test } = require('node:test');

const missing = spawnSync('openssl', ['version']).error ? 'openssl is not installed (Debian: apt-get install openssl)' : false;

/** A test that needs certificates, and says so where they cannot be made. */
function tlsTest(name, fn) {
  test(name, { skip: missing, timeout: 60_000 }, fn);
}

const folder = mkdtempSync(join(tmpdir(), 'drachtio-tls-'));
after(() => rmSync(folder, { recursive: true }));

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const CONFIG = `[ca]\ndefault_ca=d\n[d]\ndatabase=index\nrand_serial=yes\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p
copy_extensions=copy\nunique_subject=no\n[p]\ncommonName=optional\n`;
writeFileSync(join(folder, 'ca.cnf'), CONFIG);
writeFileSync(join(folder, 'index'), '');

let count = 0;

function openssl(...args) {
  execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
}

/** An authority, or a certificate that vouches for itself: the names of its files. */
function selfSigned(host) {
  const name = `${++count}`;
  const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  const san = host === undefined ? [] : ['-addext', `subjectAltName=DNS:${host}`];
  openssl('req', '-x509', ...EC, '-keyout', files.key, '-out', files.cert, '-days', '30', '-subj', `/CN=${name}`, ...san);
  return files;
}

/** A certificate of an authority for a host. */
function issue(authority, host, { expired = false } = {}) {
  const name = `${++count}`;
  const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  openssl('req', '-new', ...EC, '-keyout', files.key, '-out', 'request.pem', '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${host}`);
  const dates = ['-startdate', '20200101000000Z', '-enddate', expired ? '20210101000000Z' : '20900101000000Z'];
  const by = ['-cert', authority.cert, '-keyfile', authority.key];
  openssl('ca', '-batch', '-config', 'ca.cnf', ...by, '-in', 'request.pem', '-out', files.cert, '-notext', ...dates);
  return files;
}

module.exports = { issue, missing, selfSigned, tlsTest };
