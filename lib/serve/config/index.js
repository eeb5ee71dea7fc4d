'use strict';

const { readFileSync } = require('node:fs');
const { loadAddon } = require('../../native');
const { DEFAULT_SECRET, readServeOptions } = require('../options');
const { readCommandLine } = require('./command_line');
const { compose } = require('./compose');
const { Findings } = require('./findings');
const { readToml } = require('./toml_file');
const { readEnvironment } = require('./values');
const { readXml } = require('./xml_file');

/** Where the configuration is when nobody says. */
const DEFAULT_FILE = '/etc/drachtio.conf.xml';

/**
 * A configuration: what it says, and what is to be said of it.
 *
 * @typedef {object} Configuration
 * @property {import('../options').ServeOptions | undefined} options undefined if something is wrong
 * @property {Findings} findings
 * @property {import('./command_line').Run} run
 * @property {string | undefined} file the file that was read
 */

/**
 * Reads the configuration of a server: the command line comes before the environment, the environment before the file.
 *
 * @param {string[]} argv without the program and the command
 * @param {NodeJS.ProcessEnv} env
 * @returns {Configuration}
 */
function loadConfiguration(argv, env) {
  const findings = new Findings();
  const { run, values: given } = readCommandLine(argv, findings);
  const { options, lines, values: written, file } = readFile(run.file ?? env.DRACHTIO_CONFIG_FILE_PATH, findings);
  const values = new Map([...written, ...readEnvironment(env, findings), ...given]);
  compose(values, options, lines, findings);
  if (run.noConfig) forgetLogs(options);
  // A server that nobody has told where to says on the console what it does.
  options.observe = { log: {}, ...options.observe };
  return { options: findings.hasErrors ? undefined : checked(options, lines, findings), findings, run, file };
}

/**
 * @param {string | undefined} named the file that somebody has named
 * @param {Findings} findings
 */
function readFile(named, findings) {
  const file = named ?? DEFAULT_FILE;
  const nothing = { options: /** @type {Record<string, any>} */ ({}), lines: new Map(), values: new Map(), file: undefined };
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (err) {
    const error = /** @type {NodeJS.ErrnoException} */ (err);
    // Only one that was asked for by name is missed.
    if (named !== undefined || error.code !== 'ENOENT') findings.error(file, error.message);
    return nothing;
  }
  if (file.endsWith('.toml')) return { ...nothing, ...readToml(text, file, findings), file };
  return { ...nothing, values: readXml(text, file, findings), file };
}

/**
 * Everything that is logged goes to the console.
 *
 * @param {Record<string, any>} options
 */
function forgetLogs(options) {
  if (options.observe?.log === undefined) return;
  const { level, format } = options.observe.log;
  options.observe.log = { ...(level && { level }), ...(format && { format }), console: true };
}

/**
 * @param {Record<string, any>} given
 * @param {Map<string, string>} lines
 * @param {Findings} findings
 */
function checked(given, lines, findings) {
  const fault = (/** @type {unknown} */ err, /** @type {string} */ option = 'configuration') => {
    const { message } = /** @type {Error} */ (err);
    findings.error(lines.get(option) ?? whereIs(message, lines) ?? option, message.replace(/^(serve|connect): /, ''));
  };
  try {
    const options = readServeOptions(given);
    // What the engine alone can say: URIs, addresses, certificates.
    const { checkOptions } = loadAddon();
    for (const [at, contact] of options.contact.entries()) {
      try {
        checkOptions({ contacts: [contact], engine: {}, observe: {} });
      } catch (err) {
        // Whether there is a certificate is seen below.
        if (/** @type {{code?: string}} */ (err).code !== 'DRT_ERR_TLS_NO_CERTIFICATE') fault(err, `contact[${at}]`);
      }
    }
    if (findings.hasErrors) return undefined;
    checkOptions({ contacts: options.contact, engine: options.engine, observe: options.observe });
    if (isOpenToAll(options.admin)) {
      findings.warning(lines.get('admin.host') ?? lines.get('admin.secret') ?? 'admin', 'whoever reaches the port of applications can connect: everybody knows this secret');
    }
    return options;
  } catch (err) {
    fault(err);
    return undefined;
  }
}

/**
 * Whether others than this host's programs reach a port whose secret is the one of every server that has none of its own.
 *
 * @param {import('../options').AdminOptions} admin
 */
function isOpenToAll({ host, port, tlsPort, secret }) {
  const listens = port !== false || tlsPort !== false;
  return listens && secret === DEFAULT_SECRET && host !== 'localhost' && host !== '::1' && !host.startsWith('127.');
}

/**
 * Where the option stands that a message names.
 *
 * @param {string} message
 * @param {Map<string, string>} lines
 */
function whereIs(message, lines) {
  let name = /option '([^']+)'/.exec(message)?.[1] ?? (message.startsWith('tls: ') ? 'engine.tls.certificates' : 'contact');
  name = name.replace(/^contacts/, 'contact');
  while (name !== '') {
    // Where nothing is said of an option itself, something may be said of what is in it.
    const inside = `${name}.`;
    const said = lines.get(name) ?? [...lines].find(([option]) => option.startsWith(inside))?.[1];
    if (said !== undefined) return said;
    name = name.replace(/(\[\d+\]|\.?[^.[]+)$/, '');
  }
  return undefined;
}

module.exports = { loadConfiguration };
