'use strict';

const { SETTINGS } = require('./settings');

/** @typedef {import('./findings').Findings} Findings */
/** @typedef {import('./settings').Setting} Setting */
/** @typedef {{uri: string, externalIp?: string, localNet?: string[], dnsNames?: string[]}} Contact */
/** @typedef {{url: string, method?: string, httpMethod?: string, verifyPeer?: boolean}} Handler */
/** @typedef {{header: string, contains: string[]}[]} SpammerHeaders */
/** @typedef {{action?: string, streamAction?: string, headers: SpammerHeaders}} Spammers */

/**
 * What one source of configuration says: the command line, the environment or a file.
 *
 * @typedef {object} Source
 * @property {Map<string, {value: any, where: string, each?: string[]}>} values by the names of the settings, and `contacts`,
 *   `handlers` and `spammers`, which are lists; `each` is where the elements stand
 */

/**
 * Reads the text of a setting into the values of a source.
 *
 * @param {Source['values']} values
 * @param {Findings} findings
 * @param {Setting} setting
 * @param {string} text
 * @param {string} where
 * @param {string} [name] what the setting is called there, if `where` does not say it
 */
function note(values, findings, setting, text, where, name) {
  const value = setting.type.read(text);
  if (value === undefined) findings.error(where, `${name === undefined ? '' : `'${name}' `}must be ${setting.type.says}`);
  else if (setting.noEffect !== undefined) findings.note(where, `has no effect: ${setting.noEffect}`);
  else values.set(setting.name, { value, where });
}

/**
 * What the environment says.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {Findings} findings
 * @returns {Source['values']}
 */
function readEnvironment(env, findings) {
  const values = new Map();
  for (const setting of SETTINGS) {
    const text = setting.env === undefined ? undefined : env[setting.env];
    if (text) note(values, findings, setting, text, String(setting.env));
  }
  const handler = env.DRACHTIO_HTTP_HANDLER_URI;
  if (handler) values.set('handlers', { value: [{ url: handler }], where: 'DRACHTIO_HTTP_HANDLER_URI' });
  return values;
}

module.exports = { note, readEnvironment };
