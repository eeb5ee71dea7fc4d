'use strict';

/** What each flag is for, in groups. `__test__/server/help.test.js` sees to it that none is missing. */
const GROUPS = Object.freeze({
  '': {
    file: ['file', 'the configuration, else /etc/drachtio.conf.xml'],
    daemon: ['', 'runs in the background, and prints its process id'],
    user: ['name', 'who it runs as once its sockets are bound'],
    noconfig: ['', 'nothing is logged but to the console'],
    help: ['', 'prints this'],
    version: ['', 'prints the version'],
  },
  'SIP': {
    contact: ['uri', 'where SIP is listened for; again for each'],
    'external-ip': ['address', 'after a contact: what peers outside are shown'],
    'local-net': ['net,…', 'after a contact: which peers are inside'],
    'dns-name': ['name', 'after a contact: a name of this host'],
    mtu: ['bytes', 'the largest request that goes by UDP'],
    'aggressive-nat-detection': ['', "believes 'nat=yes' in recorded routes"],
    'disable-nat-detection': ['', 'requests inside calls go to the Contact'],
    'always-send-180': ['', 'callers hear 180 before an application is asked'],
    'user-agent-options-auto-respond': ['name', 'answers OPTIONS with this User-Agent'],
    'reject-register-with-no-realm': ['', 'answers a REGISTER to an address with 403'],
  },
  'TLS': {
    'key-file': ['file', 'the private key'],
    'cert-file': ['file', 'its certificate'],
    'chain-file': ['file', 'the certificates behind it'],
    'min-tls-version': ['version', '1.2 or 1.3'],
    'tls-cipherlist': ['a:b:…', 'cipher suites'],
    'dh-param': ['file', ''],
  },
  'Applications': {
    port: ['port', 'where they connect, 9022; 0: nowhere'],
    'tls-port': ['port', 'where they connect by TLS'],
    address: ['address', 'the address for both'],
    secret: ['text', 'what they must know'],
    'tcp-keepalive-interval': ['seconds', 'of silence, after which one is probed'],
    adopt: ['ms', 'how long calls of one that has gone wait'],
    'http-handler': ['url', 'who says what becomes of requests'],
    'http-method': ['method', 'by which it is asked, GET or POST'],
    'drain-deadline': ['seconds', 'how long calls may go on after SIGTERM'],
  },
  'What is shown': {
    loglevel: ['level', 'notice, error, warning, info or debug'],
    stdout: ['', 'logs to the standard error output'],
    'log-format': ['format', 'text or json'],
    'globally-readable-logs': ['', 'everybody may read the files'],
    'sofia-loglevel': ['level', ''],
    'memory-debug': ['', 'logs the sizes of tables every 30 seconds'],
    homer: ['addr:port', 'a capture server'],
    'homer-id': ['number', 'by which it knows this host'],
    'pcap-file': ['file', 'a capture of every message'],
    'cdr-file': ['file', 'call detail records'],
    'prometheus-scrape-port': ['host:port', 'where numbers are found'],
  },
  'Who is turned away': {
    'blacklist-redis-address': ['host', 'a redis with a set of addresses'],
    'blacklist-redis-port': ['port', 'its port, 6379'],
    'blacklist-redis-sentinels': ['host:port,…', 'or the sentinels that know where it is'],
    'blacklist-redis-master': ['name', 'by which they know it'],
    'blacklist-redis-password': ['text', 'the password of redis'],
    'blacklist-redis-key': ['name', 'the name of the set'],
    'blacklist-refresh-secs': ['seconds', 'how often it is read'],
  },
});

/** Columns before the text. */
const INDENT = 50;

/**
 * Names of flags, with what they are for.
 *
 * @param {Record<string, {short?: string}>} flags as they are read
 * @param {ReadonlySet<string>} idle those that are accepted and do nothing
 */
function helpText(flags, idle) {
  const lines = Object.entries(GROUPS).flatMap(([title, group]) => {
    const entries = Object.entries(group).map(([name, [value, text]]) => {
      const { short } = flags[name];
      const flag = `  ${short === undefined ? '    ' : `-${short}, `}--${name}${value && ` <${value}>`}`;
      return `${flag.padEnd(INDENT - 1)} ${idle.has(name) ? 'has no effect' : text}`;
    });
    return title === '' ? entries : ['', `${title}:`, ...entries];
  });
  return lines.join('\n');
}

module.exports = { GROUPS, helpText };
