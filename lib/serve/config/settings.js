'use strict';

const { isIP } = require('node:net');
const { LOG_LEVELS } = require('../../observe_options');

/**
 * One thing that can be configured, by drachtio-server's own names for it.
 *
 * @typedef {object} Setting
 * @property {string} name
 * @property {string} [flag] on the command line
 * @property {string} [short] the same in one letter
 * @property {string} [env] in the environment
 * @property {string} [xml] in the file: elements and, last, an element or an attribute
 * @property {Type} type
 * @property {string} [noEffect] why it is accepted and does nothing
 */

/**
 * What the text of a setting means.
 *
 * @typedef {object} Type
 * @property {string} says what is accepted
 * @property {(text: string) => unknown} read undefined when it is something else
 * @property {boolean} [isFlag] on the command line it has no value
 */

/** @type {(says: string, read: Type['read']) => Type} */
const type = (says, read) => ({ says, read });

/** @param {number} min @param {number} max */
function whole(min, max) {
  return type(`a whole number from ${min} to ${max}`, (text) => {
    const number = /^\d{1,12}$/.test(text) ? Number(text) : -1;
    return number >= min && number <= max ? number : undefined;
  });
}

/** @param {number} min @param {number} max @param {number} unit what one of it is in the unit of the option */
function times(min, max, unit) {
  const { says, read } = whole(min, max);
  return type(says, (text) => {
    const number = read(text);
    return number === undefined ? undefined : /** @type {number} */ (number) * unit;
  });
}

/** @param {...string} words */
function word(...words) {
  return type(words.join(', '), (text) => (words.includes(text.toLowerCase()) ? text.toLowerCase() : undefined));
}

const text = type('a text', (value) => value || undefined);
const port = whole(0, 65_535);
const seconds = times(0, 86_400, 1_000);
const address = type('a numeric address', (value) => (isIP(value) ? value : undefined));
const version = type('1.0, 1.1, 1.2 or 1.3', (value) => (/^1(\.[0-3])?$/.test(value) ? Number(value) : undefined));
const names = type('names with commas between them', (value) => value.split(/[\s,;]+/).filter(Boolean));
const megabytes = times(0, 1_048_576, 1_048_576);

/** @type {Type} */
const BOOLEAN = {
  says: 'yes or no (true, on, 1; false, off, 0)',
  isFlag: true,
  read(value) {
    if (/^(yes|true|on|1)$/i.test(value)) return true;
    return /^(no|false|off|0)$/i.test(value) ? false : undefined;
  },
};

const flag = BOOLEAN;

/** Present is enough, as in `<console/>`. @type {Type} */
const presence = { ...flag, read: (value) => (value === '' ? true : flag.read(value)) };

const NO_SOFIA = "the Sofia stack is not in here: 'loglevel' is for everything that is logged";
const NO_DH = 'key exchange is by elliptic curves only (RFC 8446 §4.2.7, RFC 8422), so there are no parameters to be given';

/**
 * Everything that can be configured, except contacts, request handlers and spammers, which are lists.
 *
 * @type {readonly Setting[]}
 */
const SETTINGS = Object.freeze([
  { name: 'admin.port', flag: 'port', short: 'p', env: 'DRACHTIO_ADMIN_TCP_PORT', xml: 'admin/port', type: port },
  { name: 'admin.tlsPort', flag: 'tls-port', env: 'DRACHTIO_ADMIN_TLS_PORT', xml: 'admin/tls-port', type: port },
  { name: 'admin.host', flag: 'address', env: 'DRACHTIO_ADMIN_ADDRESS', xml: 'admin', type: address },
  { name: 'admin.secret', flag: 'secret', env: 'DRACHTIO_SECRET', xml: 'admin/secret', type: text },
  { name: 'admin.keepAliveInterval', flag: 'tcp-keepalive-interval', env: 'DRACHTIO_TCP_KEEPALIVE_INTERVAL', xml: 'admin/tcp-keepalive', type: seconds },
  { name: 'admin.adopt', flag: 'adopt', type: times(0, 86_400_000, 1) },

  { name: 'log.level', flag: 'loglevel', short: 'l', env: 'DRACHTIO_LOGLEVEL', xml: 'logging/loglevel', type: word(...LOG_LEVELS) },
  { name: 'log.sofia', flag: 'sofia-loglevel', env: 'DRACHTIO_SOFIA_LOGLEVEL', xml: 'logging/sofia-loglevel', type: whole(0, 9), noEffect: NO_SOFIA },
  { name: 'log.console', flag: 'stdout', env: 'DRACHTIO_CONSOLE_LOGGING', xml: 'logging/console', type: presence },
  { name: 'log.format', flag: 'log-format', env: 'DRACHTIO_LOG_FORMAT', type: word('text', 'json') },
  { name: 'log.file.path', xml: 'logging/file/name', type: text },
  { name: 'log.file.archive', xml: 'logging/file/archive', type: text },
  { name: 'log.file.maxSize', xml: 'logging/file/size', type: megabytes },
  { name: 'log.file.total', xml: 'logging/file/maxSize', type: megabytes },
  { name: 'log.file.minSize', xml: 'logging/file/minSize', type: megabytes, noEffect: "free space is not watched: 'size', 'maxFiles' and 'maxSize' say how much the logs may take" },
  { name: 'log.file.maxFiles', xml: 'logging/file/maxFiles', type: whole(1, 10_000) },
  { name: 'log.file.autoFlush', xml: 'logging/file/auto-flush', type: flag, noEffect: 'every line is written at once' },
  { name: 'log.file.readableByAll', flag: 'globally-readable-logs', type: flag },
  { name: 'log.syslog.address', xml: 'logging/syslog/address', type: address },
  { name: 'log.syslog.port', xml: 'logging/syslog/port', type: whole(1, 65_535) },
  { name: 'log.syslog.facility', xml: 'logging/syslog/facility', type: word('local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7') },

  { name: 'homer.address', env: 'DRACHTIO_HOMER_ADDRESS', xml: 'sip/capture-server', type: address },
  { name: 'homer.port', env: 'DRACHTIO_HOMER_PORT', xml: 'sip/capture-server/port', type: whole(1, 65_535) },
  { name: 'homer.endpoint', flag: 'homer', type: type('an address, with a port or without', endpoint) },
  { name: 'homer.id', flag: 'homer-id', env: 'DRACHTIO_HOMER_ID', xml: 'sip/capture-server/id', type: whole(1, 4_294_967_295) },
  { name: 'homer.version', xml: 'sip/capture-server/hep-version', type: whole(1, 3) },

  { name: 'tls.key', flag: 'key-file', env: 'DRACHTIO_TLS_KEY_FILE', xml: 'sip/tls/key-file', type: text },
  { name: 'tls.cert', flag: 'cert-file', env: 'DRACHTIO_TLS_CERT_FILE', xml: 'sip/tls/cert-file', type: text },
  { name: 'tls.chain', flag: 'chain-file', env: 'DRACHTIO_TLS_CHAIN_FILE', xml: 'sip/tls/chain-file', type: text },
  { name: 'tls.dhParam', flag: 'dh-param', env: 'DRACHTIO_TLS_DH_PARAM_FILE', xml: 'sip/tls/dh-param', type: text, noEffect: NO_DH },
  { name: 'tls.minVersion', flag: 'min-tls-version', env: 'DRACHTIO_MIN_TLS_VERSION', xml: 'sip/tls/min-tls-version', type: version },
  { name: 'tls.ciphers', flag: 'tls-cipherlist', env: 'DRACHTIO_TLS_CIPHER_LIST', type: text },
  { name: 'tls.verifyClient', env: 'DRACHTIO_TLS_VERIFY_CLIENT_CERT', type: flag },
  { name: 'tls.bestEffort', env: 'DRACHTIO_SUPPORT_BEST_EFFORT_TLS', type: flag },

  { name: 'sip.udpRequestLimit', flag: 'mtu', env: 'DRACHTIO_UDP_MTU', xml: 'sip/udp-mtu', type: whole(0, 65_535) },
  { name: 'sip.udpBuffer', xml: 'sip/udp-buffer-size', type: whole(4_096, 1_073_741_824) },
  { name: 'sip.aggressiveNat', flag: 'aggressive-nat-detection', env: 'DRACHTIO_AGRESSIVE_NAT_DETECTION', xml: 'sip/aggressive-nat-detection', type: flag },
  { name: 'sip.noNat', flag: 'disable-nat-detection', type: flag },
  { name: 'sip.alwaysRing', flag: 'always-send-180', type: flag },
  { name: 'sip.optionsUserAgent', flag: 'user-agent-options-auto-respond', env: 'DRACHTIO_USER_AGENT_OPTIONS_AUTO_RESPOND', xml: 'sip/user-agent-options-auto-respond', type: text },
  { name: 'sip.registerNeedsRealm', flag: 'reject-register-with-no-realm', env: 'DRACHTIO_REJECT_REGISTER_WITH_NO_REALM', xml: 'sip/reject-register-with-no-realm', type: flag },
  { name: 'sip.outboundProxy', xml: 'sip/outbound-proxy', type: text },
  { name: 'sip.t1', xml: 'sip/timers/t1', type: whole(10, 60_000) },
  { name: 'sip.t2', xml: 'sip/timers/t2', type: whole(10, 600_000) },
  { name: 'sip.t4', xml: 'sip/timers/t4', type: whole(10, 600_000) },
  { name: 'sip.t1x64', xml: 'sip/timers/t1x64', type: whole(640, 3_840_000) },
  { name: 'sip.refresher', xml: 'sip/session-timers/default-refresher', type: word('none', 'uac', 'uas') },
  { name: 'sip.queue', env: 'DRACHTIO_TPORT_QUEUESIZE', type: whole(1, 10_000_000) },
  { name: 'sip.maxTimeouts', env: 'DRACHTIO_TPORT_MAX_CONSECUTIVE_TIMEOUTS', type: whole(0, 1_000) },
  { name: 'sip.headerNames', env: 'DRACHTIO_PRESERVE_HEADER_NAMES', type: names, noEffect: 'every header keeps the name that the application gives it' },
  { name: 'sip.localDomain', env: 'DRACHTIO_LOCAL_DOMAIN', type: text },

  { name: 'metrics.endpoint', flag: 'prometheus-scrape-port', env: 'DRACHTIO_PROMETHEUS_SCRAPE_PORT', type: type('[host:]port', scrapePort) },
  { name: 'metrics.port', xml: 'monitoring/prometheus/port', type: whole(1, 65_535) },
  { name: 'metrics.host', xml: 'monitoring/prometheus', type: text },
  { name: 'memoryDebug', flag: 'memory-debug', env: 'DRACHTIO_MEMORY_DEBUG', type: flag },

  { name: 'blacklist.host', flag: 'blacklist-redis-address', env: 'DRACHTIO_BLACKLIST_REDIS_ADDRESS', xml: 'sip/blacklist/redis-address', type: text },
  { name: 'blacklist.port', flag: 'blacklist-redis-port', env: 'DRACHTIO_BLACKLIST_REDIS_PORT', xml: 'sip/blacklist/redis-port', type: whole(1, 65_535) },
  { name: 'blacklist.key', flag: 'blacklist-redis-key', env: 'DRACHTIO_BLACKLIST_REDIS_KEY', xml: 'sip/blacklist/redis-key', type: text },
  { name: 'blacklist.refreshInterval', flag: 'blacklist-refresh-secs', env: 'DRACHTIO_BLACKLIST_REFRESH_SECS', xml: 'sip/blacklist/refresh-secs', type: seconds },
  { name: 'blacklist.sentinels', flag: 'blacklist-redis-sentinels', env: 'DRACHTIO_BLACKLIST_REDIS_SENTINELS', xml: 'sip/blacklist/redis-sentinels', type: names },
  { name: 'blacklist.master', flag: 'blacklist-redis-master', env: 'DRACHTIO_BLACKLIST_REDIS_MASTER', xml: 'sip/blacklist/redis-master', type: text },
  { name: 'blacklist.password', flag: 'blacklist-redis-password', env: 'DRACHTIO_BLACKLIST_REDIS_PASSWORD', xml: 'sip/blacklist/redis-password', type: text },

  { name: 'cdr.events', xml: 'cdrs', type: flag, noEffect: 'applications that listen for CDR events get them' },
  { name: 'cdr.path', flag: 'cdr-file', env: 'DRACHTIO_CDR_FILE', type: text },
  { name: 'pcap.path', flag: 'pcap-file', env: 'DRACHTIO_PCAP_FILE', type: text },
  { name: 'drain.deadline', flag: 'drain-deadline', env: 'DRACHTIO_DRAIN_DEADLINE', type: seconds },
]);

/** @param {string} value */
function endpoint(value) {
  const [, host, port] = /^(.*?)(?::(\d{1,5}))?$/.exec(value) ?? [];
  return isIP(host) ? { host, port: port === undefined ? undefined : Number(port) } : undefined;
}

/** @param {string} value */
function scrapePort(value) {
  const [, host, port] = /^(?:(.+):)?(\d{1,5})$/.exec(value) ?? [];
  return Number(port) > 0 && Number(port) < 65_536 ? { host, port: Number(port) } : undefined;
}

module.exports = { BOOLEAN, SETTINGS };
