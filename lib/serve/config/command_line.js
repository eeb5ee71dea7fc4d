'use strict';

const { parseArgs } = require('node:util');
const { helpText } = require('./help');
const { SETTINGS } = require('./settings');
const { note } = require('./values');

/** @typedef {import('./findings').Findings} Findings */

/**
 * What the command line says beside settings.
 *
 * @typedef {object} Run
 * @property {boolean} daemon
 * @property {boolean} noConfig nothing is logged but to the console
 * @property {string} [file]
 * @property {string} [user]
 * @property {boolean} help
 * @property {boolean} version
 */

const BY_FLAG = new Map(SETTINGS.filter(({ flag }) => flag !== undefined).map((setting) => [setting.flag, setting]));

/** @type {Record<string, {type: 'string' | 'boolean', short?: string, multiple?: boolean}>} */
const FLAGS = {
  file: { type: 'string', short: 'f' },
  user: { type: 'string', short: 'u' },
  daemon: { type: 'boolean' },
  noconfig: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
  contact: { type: 'string', short: 'c' },
  'external-ip': { type: 'string', short: 'x' },
  'local-net': { type: 'string', short: 'n' },
  'dns-name': { type: 'string' },
  'http-handler': { type: 'string', short: 'a' },
  'http-method': { type: 'string', short: 'm' },
};
for (const { flag, short, type } of SETTINGS) {
  if (flag !== undefined) FLAGS[flag] = { type: type.isFlag ? 'boolean' : 'string', ...(short && { short }) };
}

/**
 * Reads the command line of `drachtio serve` and `drachtio check`.
 *
 * @param {string[]} argv without the program and the command
 * @param {Findings} findings
 * @returns {{run: Run, values: import('./values').Source['values']}}
 */
function readCommandLine(argv, findings) {
  const values = new Map();
  /** @type {Run} */
  const run = { daemon: false, noConfig: false, help: false, version: false };
  /** @type {import('./values').Contact[]} */
  const contacts = [];
  /** @type {import('./values').Handler | undefined} */
  let handler;
  /** @type {string | undefined} */
  let httpMethod;

  for (const { name, text, where } of read(argv, findings)) {
    const contact = contacts.at(-1);
    const setting = BY_FLAG.get(name);
    if (setting !== undefined) note(values, findings, setting, text ?? 'yes', where);
    else if (name === 'contact') contacts.push({ uri: String(text) });
    else if (name === 'external-ip' || name === 'local-net' || name === 'dns-name') {
      if (contact === undefined) findings.error(where, 'must come after the contact that it is of');
      else if (name === 'external-ip') contact.externalIp = text;
      else if (name === 'local-net') contact.localNet = String(text).split(',');
      else contact.dnsNames = [...(contact.dnsNames ?? []), String(text)];
    } else if (name === 'http-handler') handler = { url: String(text) };
    else if (name === 'http-method') httpMethod = String(text).toUpperCase();
    else if (name === 'daemon') run.daemon = true;
    else if (name === 'noconfig') run.noConfig = true;
    else if (name === 'help') run.help = true;
    else if (name === 'version') run.version = true;
    else if (name === 'file') run.file = text;
    else run.user = text;
  }
  if (contacts.length > 0) values.set('contacts', { value: contacts, where: '--contact' });
  if (handler !== undefined) values.set('handlers', { value: [handler], where: '--http-handler' });
  if (httpMethod !== undefined) values.set('httpMethod', { value: httpMethod, where: '--http-method' });
  return { run, values };
}

/**
 * The flags in their order.
 *
 * @param {string[]} argv
 * @param {Findings} findings
 */
function read(argv, findings) {
  const { tokens } = parseArgs({ args: argv, options: FLAGS, strict: false, allowPositionals: true, tokens: true });
  const flags = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      findings.error(token.value, 'is not an option');
      continue;
    }
    const { name, rawName: where, value: text } = token;
    const known = Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined;
    if (known === undefined) findings.error(where, 'is not known');
    else if (known.type === 'string' && text === undefined) findings.error(where, 'needs a value');
    else if (known.type === 'boolean' && text !== undefined) findings.error(where, 'takes no value');
    else flags.push({ name, text, where });
  }
  return flags;
}

/** The usage of the program. */
function help() {
  const idle = new Set(SETTINGS.flatMap(({ flag, noEffect }) => (flag !== undefined && noEffect !== undefined ? [flag] : [])));
  return `usage: drachtio serve [options]   a server for applications
       drachtio check [options]   says what is wrong with the configuration

Options without a command are those of serve.

${helpText(FLAGS, idle)}

The environment and the file say the same by other names: see docs/configuration.md`;
}

module.exports = { FLAGS, help, readCommandLine };
