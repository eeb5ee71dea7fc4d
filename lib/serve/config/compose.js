'use strict';

const { readFileSync } = require('node:fs');
const { joinHostPort } = require('../../headers/uri');

/** @typedef {import('./findings').Findings} Findings */
/** @typedef {import('./values').Source['values']} Values */

/** Settings whose value is that of an option, by the names of both. */
const SAME = Object.freeze({
  'admin.host': 'admin.host',
  'admin.secret': 'admin.secret',
  'admin.keepAliveInterval': 'admin.keepAliveInterval',
  'admin.adopt': 'admin.adopt',
  contacts: 'contact',
  'log.level': 'observe.log.level',
  'log.console': 'observe.log.console',
  'log.format': 'observe.log.format',
  'log.file.path': 'observe.log.file.path',
  'log.file.archive': 'observe.log.file.archive',
  'log.file.maxSize': 'observe.log.file.maxSize',
  'log.file.maxFiles': 'observe.log.file.maxFiles',
  'log.file.readableByAll': 'observe.log.file.readableByAll',
  'log.syslog.facility': 'observe.log.syslog.facility',
  'homer.id': 'observe.hep.captureId',
  'homer.version': 'observe.hep.version',
  'pcap.path': 'observe.pcap.path',
  'cdr.path': 'observe.cdr.path',
  'tls.bestEffort': 'engine.bestEffortTls',
  'sip.udpRequestLimit': 'engine.nextHop.udpRequestLimit',
  'sip.outboundProxy': 'engine.nextHop.outboundProxy',
  'sip.udpBuffer': 'engine.limits.udpBuffer',
  'sip.queue': 'engine.limits.queuedMessages',
  'sip.maxTimeouts': 'engine.connections.maxTimeouts',
  'sip.aggressiveNat': 'engine.nat.markedRoutes',
  'sip.alwaysRing': 'engine.alwaysRing',
  'sip.optionsUserAgent': 'engine.optionsAutoAnswer',
  'sip.registerNeedsRealm': 'engine.screening.registerNeedsRealm',
  'sip.t1': 'engine.timers.t1',
  'sip.t2': 'engine.timers.t2',
  'sip.t4': 'engine.timers.t4',
  'sip.t1x64': 'engine.timers.transaction',
  'sip.refresher': 'engine.sessionTimers.refresher',
  'blacklist.host': 'blacklist.host',
  'blacklist.port': 'blacklist.port',
  'blacklist.key': 'blacklist.key',
  'blacklist.refreshInterval': 'blacklist.refreshInterval',
  'blacklist.sentinels': 'blacklist.sentinels',
  'blacklist.master': 'blacklist.master',
  'blacklist.password': 'blacklist.password',
  'drain.deadline': 'drain.deadline',
  memoryDebug: 'logTables',
});

/** Where Prometheus finds the metrics when only the port is given. */
const ANY_ADDRESS = '0.0.0.0';

const HEP_PORT = 9060;
const SYSLOG_PORT = 514;

/**
 * Puts what was configured into the options of `serve`.
 *
 * @param {Values} values
 * @param {Record<string, any>} options in which the values take the place of what is there
 * @param {Map<string, string>} lines where each option was said, by its full name; what is put in is added
 * @param {Findings} findings
 */
function compose(values, options, lines, findings) {
  const composer = new Composer(values, options, lines, findings);
  for (const [setting, option] of Object.entries(SAME)) composer.same(setting, option);
  composer.ports();
  composer.log();
  composer.homer();
  composer.metrics();
  composer.tls();
  composer.nat();
  composer.localDomain();
  composer.handlers();
  composer.spammers();
}

class Composer {
  #values;
  #options;
  #lines;
  #findings;

  /**
   * @param {Values} values
   * @param {Record<string, any>} options
   * @param {Map<string, string>} lines
   * @param {Findings} findings
   */
  constructor(values, options, lines, findings) {
    this.#values = values;
    this.#options = options;
    this.#lines = lines;
    this.#findings = findings;
  }

  /** @param {string} setting @param {string} option */
  same(setting, option) {
    const given = this.#values.get(setting);
    if (given !== undefined) this.#put(option, given.value, given.where, given.each);
  }

  /** For drachtio-server port 0 is none. */
  ports() {
    for (const name of ['admin.port', 'admin.tlsPort']) {
      const given = this.#values.get(name);
      if (given !== undefined) this.#put(name, given.value === 0 ? false : given.value, given.where);
    }
  }

  log() {
    const size = Number(this.#get('observe.log.file.maxSize') ?? 50 * 1024 ** 2);
    const total = this.#values.get('log.file.total');
    if (total !== undefined) {
      const files = Math.max(Math.floor(total.value / size), 1);
      if (files < Number(this.#get('observe.log.file.maxFiles') ?? 100)) this.#put('observe.log.file.maxFiles', files, total.where);
    }
    // Whatever else is said of a file, there is none without a name.
    const path = this.#get('observe.log.file.path');
    if (this.#get('observe.log.file') !== undefined && path === undefined) delete this.#options.observe.log.file;
    if (this.#values.has('log.file.path')) this.#put('observe.log.file.daily', true, this.#where('log.file.path'));
    const address = this.#values.get('log.syslog.address');
    if (address !== undefined) {
      if (!this.#values.has('log.syslog.facility')) this.#findings.error(address.where, "syslog needs a 'facility'");
      this.#put('observe.log.syslog.address', joinHostPort(address.value, this.#value('log.syslog.port') ?? SYSLOG_PORT), address.where);
    } else if (this.#values.has('log.syslog.facility')) {
      this.#findings.error(this.#where('log.syslog.facility'), "syslog needs an 'address'");
    }
  }

  homer() {
    const flag = this.#values.get('homer.endpoint');
    const address = flag?.value.host ?? this.#value('homer.address');
    const where = flag?.where ?? this.#where('homer.address');
    if (address === undefined) {
      for (const name of ['homer.id', 'homer.version', 'homer.port']) {
        if (this.#values.has(name) && this.#get('observe.hep.address') === undefined) {
          this.#findings.warning(this.#where(name), 'has no effect without the address of a capture server');
          delete this.#options.observe?.hep;
        }
      }
      return;
    }
    const port = flag?.value.port ?? this.#value('homer.port') ?? HEP_PORT;
    this.#put('observe.hep.address', joinHostPort(address, port), where);
    if (this.#get('observe.hep.captureId') === undefined) this.#findings.error(where, 'needs the id of this agent (homer-id)');
  }

  metrics() {
    const flag = this.#values.get('metrics.endpoint');
    const port = flag?.value.port ?? this.#value('metrics.port');
    if (port === undefined) return;
    const where = flag?.where ?? this.#where('metrics.port');
    const host = flag === undefined ? this.#value('metrics.host') : flag.value.host;
    this.#put('observe.metrics.port', port, where);
    this.#put('observe.metrics.host', host ?? ANY_ADDRESS, where);
  }

  tls() {
    const [key, cert, chain] = ['tls.key', 'tls.cert', 'tls.chain'].map((name) => this.#values.get(name));
    const shown = cert ?? chain;
    if (key !== undefined && shown !== undefined) {
      const pem = cert !== undefined && chain !== undefined ? this.#joined(cert, chain) : shown.value;
      this.#put('engine.tls.certificates', [{ cert: pem, key: key.value }], shown.where);
    } else if (key !== undefined || shown !== undefined) {
      const where = key?.where ?? shown?.where ?? '';
      this.#findings.error(where, key === undefined ? 'a certificate needs its private key (key-file)' : 'a private key needs its certificate (cert-file or chain-file)');
    }
    const port = this.#values.get('admin.tlsPort');
    if (port !== undefined && port.value > 0 && [key, shown, this.#get('engine.tls.certificates'), this.#get('admin.certificate')].every((one) => one === undefined)) {
      this.#findings.error(port.where, 'applications can connect by TLS only if there is a certificate (key-file and cert-file)');
    }
    const version = this.#values.get('tls.minVersion');
    if (version !== undefined) {
      if (version.value < 1.2) this.#findings.note(version.where, 'TLS 1.0 and 1.1 are not spoken (RFC 8996): the oldest version is 1.2');
      this.#put('engine.tls.minVersion', version.value === 1.3 ? 'TLSv1.3' : 'TLSv1.2', version.where);
    }
    const ciphers = this.#values.get('tls.ciphers');
    if (ciphers !== undefined) this.#put('engine.tls.ciphers', ciphers.value.split(/[:, ]+/).filter(Boolean), ciphers.where);
    const verify = this.#values.get('tls.verifyClient');
    if (verify !== undefined) this.#put('engine.tls.clientCertificates', verify.value ? 'require' : 'ignore', verify.where);
  }

  nat() {
    const off = this.#values.get('sip.noNat');
    if (off?.value) this.#put('engine.nat.inDialog', 'contact', off.where);
  }

  localDomain() {
    const domain = this.#values.get('sip.localDomain');
    if (domain === undefined) return;
    const contacts = this.#get('contact') ?? [{ uri: 'sip:*;transport=udp,tcp' }];
    const list = Array.isArray(contacts) ? contacts : [contacts];
    const known = list.map((contact) => (typeof contact === 'string' ? { uri: contact } : contact));
    const named = known.map((contact) => ({ ...contact, dnsNames: [...(contact.dnsNames ?? []), domain.value, `*.${domain.value}`] }));
    this.#put('contact', named, domain.where);
  }

  handlers() {
    const given = this.#values.get('handlers');
    if (given === undefined) return;
    const httpMethod = this.#value('httpMethod');
    const list = given.value.map((/** @type {object} */ handler) => (given.where.includes(':') || httpMethod === undefined ? handler : { ...handler, httpMethod }));
    this.#put('requestHandlers', list, given.where, given.each);
  }

  spammers() {
    const given = this.#values.get('spammers');
    if (given === undefined) return;
    const { action, streamAction, headers } = given.value;
    this.#put('engine.screening.spammers', headers, given.where);
    if (action !== undefined) this.#put('engine.screening.action', action, given.where);
    if (streamAction !== undefined) this.#put('engine.screening.streamAction', streamAction, given.where);
  }

  /**
   * The certificate of the server, and after it those of its authorities.
   *
   * @param {...{value: string, where: string}} files
   */
  #joined(...files) {
    return files.map((file) => {
      try {
        return readFileSync(file.value, 'utf8');
      } catch (err) {
        this.#findings.error(file.where, /** @type {Error} */ (err).message);
        return '';
      }
    }).join('\n');
  }

  /** @param {string} setting */
  #value(setting) {
    return this.#values.get(setting)?.value;
  }

  /** @param {string} setting */
  #where(setting) {
    return this.#values.get(setting)?.where ?? '';
  }

  /** @param {string} option */
  #get(option) {
    return option.split('.').reduce((inner, key) => inner?.[key], this.#options);
  }

  /**
   * @param {string} option
   * @param {unknown} value
   * @param {string} where
   * @param {string[]} [each] where the elements of a list stand
   */
  #put(option, value, where, each = []) {
    const path = option.split('.');
    const last = /** @type {string} */ (path.pop());
    let inner = this.#options;
    for (const key of path) {
      inner[key] ??= {};
      inner = inner[key];
    }
    inner[last] = value;
    // Where something of it stood that this takes the place of.
    for (const name of this.#lines.keys()) if (name.startsWith(`${option}[`)) this.#lines.delete(name);
    this.#lines.set(option, where);
    each.forEach((one, at) => this.#lines.set(`${option}[${at}]`, one));
  }
}

module.exports = { compose };
