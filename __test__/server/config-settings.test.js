'use strict';
// Every flag, environment variable and XML element of drachtio-server does what it says, or says that it does nothing.

const test = require('node:test');
const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { SETTINGS } = require('../../lib/serve/config/settings');
const { selfSigned } = require('../tls/pki');
const { file, load, option, xmlOf } = require('./support/configuration');

const { cert, key } = selfSigned('localhost');

/** What must be said beside a setting for it to mean something, as flags. */
const NEEDED = {
  homer: ['--homer', '10.0.0.9', '--homer-id', '5'],
  redis: ['--blacklist-redis-address', '127.0.0.1', '--blacklist-redis-key', 'bad'],
  sentinel: ['--blacklist-redis-key', 'bad', '--blacklist-redis-sentinels', 'a:1', '--blacklist-redis-master', 'm'],
  certificate: ['--cert-file', cert, '--key-file', key],
};

/**
 * For each setting: a text, the option it becomes and its value, and what must be said beside it in the file or on the
 * command line.
 */
const CASES = {
  'admin.port': ['9023', 'admin.port', 9023],
  'admin.tlsPort': ['9024', 'admin.tlsPort', 9024, { argv: NEEDED.certificate }],
  'admin.host': ['127.0.0.2', 'admin.host', '127.0.0.2'],
  'admin.secret': ['cymru', 'admin.secret', 'cymru'],
  'admin.keepAliveInterval': ['30', 'admin.keepAliveInterval', 30_000],
  'admin.adopt': ['30000', 'admin.adopt', 30_000],
  'log.level': ['debug', 'observe.log.level', 'debug'],
  'log.console': ['1', 'observe.log.console', true],
  'log.format': ['json', 'observe.log.format', 'json'],
  'log.file.path': ['/tmp/x.log', 'observe.log.file.path', '/tmp/x.log'],
  'log.file.archive': ['/tmp/old', 'observe.log.file.archive', '/tmp/old', { xml: '<logging><file><name>/tmp/x.log</name></file></logging>' }],
  'log.file.maxSize': ['10', 'observe.log.file.maxSize', 10_485_760, { xml: '<logging><file><name>/tmp/x.log</name></file></logging>' }],
  'log.file.total': ['500', 'observe.log.file.maxFiles', 10, { xml: '<logging><file><name>/tmp/x.log</name></file></logging>' }],
  'log.file.maxFiles': ['7', 'observe.log.file.maxFiles', 7, { xml: '<logging><file><name>/tmp/x.log</name></file></logging>' }],
  'log.file.readableByAll': ['yes', 'observe.log.file.readableByAll', true, { xml: '<logging><file><name>/tmp/x.log</name></file></logging>' }],
  'log.syslog.address': ['127.0.0.1', 'observe.log.syslog.address', '127.0.0.1:514', { xml: '<logging><syslog><facility>local6</facility></syslog></logging>' }],
  'log.syslog.port': ['5514', 'observe.log.syslog.address', '127.0.0.1:5514', { xml: '<logging><syslog><address>127.0.0.1</address><facility>local6</facility></syslog></logging>' }],
  'log.syslog.facility': ['local6', 'observe.log.syslog.facility', 'local6', { xml: '<logging><syslog><address>127.0.0.1</address></syslog></logging>' }],
  'homer.address': ['10.0.0.9', 'observe.hep.address', '10.0.0.9:9060', { argv: ['--homer-id', '5'] }],
  'homer.port': ['9061', 'observe.hep.address', '10.0.0.9:9061', { argv: NEEDED.homer }],
  'homer.endpoint': ['10.0.0.8:9062', 'observe.hep.address', '10.0.0.8:9062', { argv: ['--homer-id', '5'] }],
  'homer.id': ['77', 'observe.hep.captureId', 77, { argv: ['--homer', '10.0.0.9'] }],
  'homer.version': ['2', 'observe.hep.version', 2, { argv: NEEDED.homer }],
  'tls.key': [key, 'engine.tls.certificates', [{ cert, key }], { argv: ['--cert-file', cert] }],
  'tls.cert': [cert, 'engine.tls.certificates', [{ cert, key }], { argv: ['--key-file', key] }],
  'tls.chain': [cert, 'engine.tls.certificates', [{ cert, key }], { argv: ['--key-file', key] }],
  'tls.minVersion': ['1.3', 'engine.tls.minVersion', 'TLSv1.3', { argv: NEEDED.certificate }],
  'tls.ciphers': ['ECDHE-RSA-AES128-GCM-SHA256:!aNULL', 'engine.tls.ciphers', ['ECDHE-RSA-AES128-GCM-SHA256', '!aNULL']],
  'tls.verifyClient': ['1', 'engine.tls.clientCertificates', 'require'],
  'tls.bestEffort': ['1', 'engine.bestEffortTls', true],
  'sip.udpRequestLimit': ['4096', 'engine.nextHop.udpRequestLimit', 4096],
  'sip.udpBuffer': ['131072', 'engine.limits.udpBuffer', 131_072],
  'sip.aggressiveNat': ['yes', 'engine.nat.markedRoutes', true],
  'sip.noNat': ['yes', 'engine.nat.inDialog', 'contact'],
  'sip.alwaysRing': ['yes', 'engine.alwaysRing', true],
  'sip.optionsUserAgent': ['monitor', 'engine.optionsAutoAnswer', 'monitor'],
  'sip.registerNeedsRealm': ['yes', 'engine.screening.registerNeedsRealm', true],
  'sip.outboundProxy': ['sip:10.0.0.7', 'engine.nextHop.outboundProxy', 'sip:10.0.0.7'],
  'sip.t1': ['400', 'engine.timers.t1', 400],
  'sip.t2': ['3000', 'engine.timers.t2', 3000],
  'sip.t4': ['4000', 'engine.timers.t4', 4000],
  'sip.t1x64': ['20000', 'engine.timers.transaction', 20_000],
  'sip.refresher': ['none', 'engine.sessionTimers.refresher', 'none'],
  'sip.queue': ['128', 'engine.limits.queuedMessages', 128],
  'sip.maxTimeouts': ['3', 'engine.connections.maxTimeouts', 3],
  'sip.localDomain': ['example.org', 'contact', [{ uri: 'sip:*;transport=udp,tcp', dnsNames: ['example.org', '*.example.org'] }]],
  'metrics.endpoint': ['127.0.0.1:8090', 'observe.metrics', { host: '127.0.0.1', port: 8090 }],
  'metrics.port': ['8090', 'observe.metrics', { host: '0.0.0.0', port: 8090 }],
  'metrics.host': ['127.0.0.1', 'observe.metrics', { host: '127.0.0.1', port: 8090 }, { xml: '<monitoring><prometheus port="8090"/></monitoring>' }],
  memoryDebug: ['1', 'logTables', true],
  'blacklist.host': ['127.0.0.1', 'blacklist.host', '127.0.0.1', { argv: ['--blacklist-redis-key', 'bad'] }],
  'blacklist.port': ['6380', 'blacklist.port', 6380, { argv: NEEDED.redis }],
  'blacklist.key': ['bad', 'blacklist.key', 'bad', { argv: ['--blacklist-redis-address', '127.0.0.1'] }],
  'blacklist.refreshInterval': ['60', 'blacklist.refreshInterval', 60_000, { argv: NEEDED.redis }],
  'blacklist.sentinels': ['a:1,b:2', 'blacklist.sentinels', ['a:1', 'b:2'], { argv: ['--blacklist-redis-key', 'bad', '--blacklist-redis-master', 'm'] }],
  'blacklist.master': ['m', 'blacklist.master', 'm', { argv: NEEDED.sentinel }],
  'blacklist.password': ['hush', 'blacklist.password', 'hush', { argv: NEEDED.redis }],
  'cdr.path': ['/tmp/x.json', 'observe.cdr.path', '/tmp/x.json'],
  'pcap.path': ['/tmp/x.pcap', 'observe.pcap.path', '/tmp/x.pcap'],
  'drain.deadline': ['5', 'drain.deadline', 5_000],
};

/** Texts of settings that have no effect. */
const WITHOUT_EFFECT = {
  'log.sofia': '3',
  'log.file.minSize': '10',
  'log.file.autoFlush': 'true',
  'tls.dhParam': '/etc/dh.pem',
  'cdr.events': 'true',
  'sip.headerNames': 'x-one,x-two',
};

/** The ways in which a text can be given to a setting. */
function* sources(setting, text, beside = {}) {
  const { xml = '', argv = [] } = beside;
  if (setting.xml !== undefined) {
    yield [`<${setting.xml}>`, { xml: `${xml}${xmlOf(setting.xml, text)}`, argv }];
    if (setting.xml.includes('/')) yield [`attribute ${setting.xml}`, { xml: `${xml}${xmlOf(setting.xml, text, true)}`, argv }];
  }
  if (setting.env !== undefined) yield [setting.env, { xml, argv, env: { [setting.env]: text } }];
  if (setting.flag !== undefined) {
    const flags = setting.type.isFlag ? [[`--${setting.flag}`]] : [[`--${setting.flag}`, text], [`--${setting.flag}=${text}`]];
    if (setting.short !== undefined) flags.push([`-${setting.short}`, text]);
    for (const given of flags) yield [given.join(' '), { xml, argv: [...argv, ...given] }];
  }
}

test('every setting has a case here', () => {
  assert.deepEqual(SETTINGS.map(({ name }) => name).sort(), [...Object.keys(CASES), ...Object.keys(WITHOUT_EFFECT)].sort());
});

for (const setting of SETTINGS.filter(({ noEffect }) => noEffect === undefined)) {
  const [text, name, value, beside] = CASES[setting.name];
  for (const [source, given] of sources(setting, text, beside)) {
    test(`${source} is ${name}`, () => {
      const { options, findings } = load(given);
      assert.deepEqual(findings.lines().filter((line) => line.includes('error')), []);
      assert.deepEqual(option(options, name), value);
    });
  }
}

for (const setting of SETTINGS.filter(({ noEffect }) => noEffect !== undefined)) {
  for (const [source, given] of sources(setting, WITHOUT_EFFECT[setting.name])) {
    test(`${source} has no effect, and that is said`, () => {
      const { findings } = load(given);
      assert.ok(!findings.hasErrors);
      assert.ok(findings.lines().some((line) => line.endsWith(`note: has no effect: ${setting.noEffect}`)));
    });
  }
}

test('docs/configuration.md has a row for every setting', () => {
  const docs = readFileSync(join(__dirname, '../../docs/configuration.md'), 'utf8');
  const code = (text) => (text ? `\`${text}\`` : '');
  const rows = docs.split('\n').filter((line) => line.startsWith('|')).map((line) => line.split('|').slice(1, 4).map((cell) => cell.trim()).join('|'));
  const missing = SETTINGS.filter(({ flag, short, env, xml }) => {
    const flags = [flag && code(`--${flag}`), short && code(`-${short}`)].filter(Boolean).join(' ');
    return !rows.includes([flags, code(env), code(xml)].join('|'));
  });
  assert.deepEqual(missing, []);
});

test('the command line comes before the environment, the environment before the file', () => {
  const xml = xmlOf('admin/secret', 'file');
  const env = { DRACHTIO_SECRET: 'environment' };
  const argv = ['--secret', 'flag'];
  assert.equal(load({ xml }).options.admin.secret, 'file');
  assert.equal(load({ xml, env }).options.admin.secret, 'environment');
  assert.equal(load({ xml, env, argv }).options.admin.secret, 'flag');
});

test('an empty variable or element says nothing', () => {
  const { options } = load({ xml: '<admin secret=""/><sip><timers><t1/></timers></sip>', env: { DRACHTIO_ADMIN_TCP_PORT: '' } });
  assert.deepEqual([options.admin.secret, options.admin.port, options.engine], ['admin', 9022, {}]);
});

test('TLS 1.0 is taken for 1.2, and that is said', () => {
  const { options, findings } = load({ argv: [...NEEDED.certificate, '--min-tls-version', '1.0'] });
  assert.equal(options.engine.tls.minVersion, 'TLSv1.2');
  assert.match(findings.lines().join(), /--min-tls-version: note: TLS 1.0 and 1.1 are not spoken/);
});

test('a chain is shown behind the certificate', () => {
  const chain = file('chain.pem', '-----BEGIN CERTIFICATE-----\nchain\n-----END CERTIFICATE-----\n');
  const { findings } = load({ argv: [...NEEDED.certificate, '--chain-file', chain] });
  // It has been read: what is in it is no certificate.
  assert.match(findings.lines().join(), /--cert-file: error: tls/);
});

test('port 0 is none', () => {
  const { options } = load({ xml: '<admin port="0" tls-port="0"/>' });
  assert.deepEqual([options.admin.port, options.admin.tlsPort], [false, false]);
});
