'use strict';

/**
 * Something that is to be said of a configuration.
 *
 * @typedef {object} Finding
 * @property {'error' | 'warning' | 'note'} severity an error keeps the server from starting
 * @property {string} where as in `/etc/drachtio.conf.xml:12`, `--port` or `DRACHTIO_SECRET`
 * @property {string} text
 */

/** What is found while a configuration is read. */
class Findings {
  /** @type {Finding[]} */
  list = [];

  /** @param {string} where @param {string} text */
  error(where, text) {
    this.list.push({ severity: 'error', where, text });
  }

  /** @param {string} where @param {string} text */
  warning(where, text) {
    this.list.push({ severity: 'warning', where, text });
  }

  /** @param {string} where @param {string} text */
  note(where, text) {
    this.list.push({ severity: 'note', where, text });
  }

  get hasErrors() {
    return this.list.some(({ severity }) => severity === 'error');
  }

  /** As lines for people. */
  lines() {
    return this.list.map(({ severity, where, text }) => `${where}: ${severity}: ${text}`);
  }
}

module.exports = { Findings };
