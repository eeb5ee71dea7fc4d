'use strict';
// Configuration files: what stands in lists, and where something is wrong.

const test = require('node:test');
const assert = require('node:assert/strict');
const { loadConfiguration } = require('../../lib/serve/config');
const { DIRECTORY, file, load } = require('./support/configuration');

/** What is said of an XML file with these lines. */
function said(...lines) {
  const path = file('said.xml', lines.join('\n'));
  const { findings, options } = loadConfiguration(['-f', path], {});
  return { lines: findings.lines().map((line) => line.replace(path, 'FILE')), options };
}

test('contacts of the file have their addresses and names', () => {
  const { options } = load({
    xml: `<sip><contacts>
      <contact external-ip="203.0.113.7" local-net="10.0.0.0/8" dns-names="a.example.com,b.example.com c.example.com;d.example.com">sip:*:5070;transport=udp,tcp</contact>
      <contact>sip:*:8080;transport=ws</contact>
    </contacts></sip>`,
  });
  assert.deepEqual(options.contact, [
    {
      uri: 'sip:*:5070;transport=udp,tcp',
      externalIp: '203.0.113.7',
      localNet: ['10.0.0.0/8'],
      dnsNames: ['a.example.com', 'b.example.com', 'c.example.com', 'd.example.com'],
    },
    { uri: 'sip:*:8080;transport=ws' },
  ]);
});

test('one contact may stand alone', () => {
  assert.deepEqual(load({ xml: '<sip><contact>sip:*:5070</contact></sip>' }).options.contact, [{ uri: 'sip:*:5070' }]);
});

test('contacts of the command line take the place of those in the file, each with what follows it', () => {
  const argv = [
    ...['--contact', 'sip:*:5080', '--external-ip', '203.0.113.7', '--local-net', '10.0.0.0/8'],
    ...['-c', 'sip:*:5090;transport=tcp', '-x', '203.0.113.8', '-n', '192.168.0.0/16,10.0.0.0/8', '--dns-name', 'a.example.com', '--dns-name', 'b.example.com'],
  ];
  const { options } = load({ xml: '<sip><contact>sip:*:5070</contact></sip>', argv });
  assert.deepEqual(options.contact, [
    { uri: 'sip:*:5080', externalIp: '203.0.113.7', localNet: ['10.0.0.0/8'] },
    { uri: 'sip:*:5090;transport=tcp', externalIp: '203.0.113.8', localNet: ['192.168.0.0/16', '10.0.0.0/8'], dnsNames: ['a.example.com', 'b.example.com'] },
  ]);
});

test('request handlers of the file are for their method, those of the environment and the command line for all', () => {
  const xml = `<request-handlers>
    <request-handler sip-method="INVITE" http-method="POST" verify-peer="false">https://a.example.com/route</request-handler>
    <request-handler sip-method="*">tls://b.example.com:9023</request-handler>
  </request-handlers>`;
  assert.deepEqual(load({ xml }).options.requestHandlers, [
    { url: 'https://a.example.com/route', method: 'INVITE', httpMethod: 'POST', verifyPeer: false },
    { url: 'tls://b.example.com:9023', method: '*', httpMethod: 'GET', verifyPeer: false },
  ]);
  const one = (url, httpMethod = 'GET') => [{ url, method: '*', httpMethod, verifyPeer: true }];
  const env = { DRACHTIO_HTTP_HANDLER_URI: 'http://environment' };
  assert.deepEqual(load({ xml, env }).options.requestHandlers, one('http://environment'));
  const argv = ['-a', 'http://flag', '-m', 'post'];
  assert.deepEqual(load({ xml, env, argv }).options.requestHandlers, one('http://flag', 'POST'));
});

test('spammers are known by their headers, and handled as it is said', () => {
  const xml = `<sip><spammers action="discard" tcp-action="reject">
    <header name="user-agent"><value>sipcli</value><value>friendly-scanner</value></header>
    <header name="To"><value>00972</value></header>
  </spammers></sip>`;
  assert.deepEqual(load({ xml }).options.engine.screening, {
    spammers: [
      { header: 'User-Agent', contains: ['sipcli', 'friendly-scanner'] },
      { header: 'To', contains: ['00972'] },
    ],
    action: 'discard',
    streamAction: 'reject',
  });
});

test('an attribute and an element of the same name are the same', () => {
  const { options } = load({ xml: '<sip><timers t1="400"><t2>3000</t2></timers></sip>' });
  assert.deepEqual(options.engine.timers, { t1: 400, t2: 3000 });
});

test('what is wrong in a file has its line', () => {
  for (const [lines, expected] of [
    [['<drachtio>', '<admin>', '</drachtio>'], /^FILE:3: error: /],
    [['<other/>'], /^FILE:1: error: the document must be <drachtio>, not <other>$/],
    [['<drachtio>', '', '  <admin port="99999"/>', '</drachtio>'], /^FILE:3: error: 'admin\/port' must be a whole number from 0 to 65535$/],
    [['<drachtio><admin', 'port="9022"', 'secre="x"/></drachtio>'], /^FILE:3: warning: 'admin\/secre' is not known, and has no effect$/],
    [['<drachtio>', '<sip>', '<contact>sip:*;transport=sctp</contact></sip></drachtio>'], /^FILE:3: error: .*sctp/],
    [['<drachtio><sip><contacts>', '<contact>sip:*</contact>', '<contact extern="x">sip:*:5080</contact></contacts></sip></drachtio>'], /^FILE:3: warning: attribute 'extern' of <contact> is not known/],
    [['<drachtio>', '<admin tls-port="9023"/></drachtio>'], /^FILE:2: error: applications can connect by TLS only if there is a certificate/],
    [['<drachtio><sip>', '<contact>sips:127.0.0.1:5061</contact></sip></drachtio>'], /^FILE:2: error: contact sips?:127.0.0.1:5061.* needs a certificate/],
    [['<drachtio><request-handlers>', '<request-handler verify-peer="maybe">https://a</request-handler></request-handlers></drachtio>'], /^FILE:2: error: 'verify-peer' must be yes or no/],
    [['<drachtio><sip><timers>', '<t1>5</t1></timers></sip></drachtio>'], /^FILE:2: error: 'sip\/timers\/t1' must be a whole number from 10 to 60000$/],
    [['<drachtio><sip>', '<outbound-proxy>http://a</outbound-proxy></sip></drachtio>'], /^FILE:2: error: option 'engine.nextHop.outboundProxy' must be a SIP URI$/],
    [['<drachtio><sip><spammers action="burn"/></sip></drachtio>'], /^FILE:1: error: what is done with spammers is 'reject' or 'discard'$/],
    [['<drachtio><sip><spammers>', '<header name="Via"><value>x</value></header></spammers></sip></drachtio>'], /^FILE:2: error: a header of spammers is User-Agent, From or To$/],
    [['<drachtio><sip><tls>', '<key-file>/nowhere.key</key-file></tls></sip></drachtio>'], /^FILE:2: error: a private key needs its certificate/],
    [['<drachtio><sip><tls><key-file>/nowhere.key</key-file>', '<cert-file>/nowhere.pem</cert-file></tls></sip></drachtio>'], /^FILE:2: error: tls: .*nowhere/],
    [['<drachtio><sip>', '<capture-server id="5"/></sip></drachtio>'], /^FILE:2: warning: has no effect without the address of a capture server$/],
    [['<drachtio><sip>', '<capture-server>10.0.0.9</capture-server></sip></drachtio>'], /^FILE:2: error: needs the id of this agent/],
    [['<drachtio><sip>', '<blacklist redis-key="x"/></sip></drachtio>'], /^FILE:2: error: option 'blacklist' needs either 'host' or 'sentinels'$/],
    [['<drachtio><request-handlers>', '<request-handler>nonsense</request-handler></request-handlers></drachtio>'], /^FILE:2: error: option 'requestHandlers\[0\].url' must be/],
  ]) {
    const { lines: spoken } = said(...lines);
    assert.equal(spoken.length, 1, `${lines}: ${spoken}`);
    assert.match(spoken[0], expected);
  }
});

test('a port that others reach by the secret that everybody knows is warned of', () => {
  const warned = (xml) => load({ xml }).findings.lines().some((line) => line.includes('everybody knows this secret'));
  assert.ok(warned('<admin>0.0.0.0</admin>'));
  assert.ok(warned('<admin secret="admin"/>'));
  assert.ok(!warned('<admin secret="cymru">0.0.0.0</admin>'));
  assert.ok(!warned('<admin>127.0.0.1</admin>'));
  assert.ok(!warned('<admin port="0">0.0.0.0</admin>'));
  assert.ok(!warned(''));
});

test('nothing of a wrong file is used', () => {
  assert.equal(said('<drachtio><admin port="9023"/>', '<sip><timers><t1>5</t1></timers></sip></drachtio>').options, undefined);
});

test('all that is wrong is said at once', () => {
  const { lines } = said('<drachtio><admin port="x"', ' tls-port="y"/></drachtio>');
  assert.deepEqual(lines.map((line) => line.slice(0, 13)), ['FILE:1: error', 'FILE:2: error']);
  const contacts = said('<drachtio><sip><contacts>', '<contact>sip:*;transport=sctp</contact>', '<contact>sip:*:5080</contact>', '<contact local-net="x">sip:*:5090</contact></contacts></sip></drachtio>');
  assert.deepEqual(contacts.lines.map((line) => line.slice(0, 13)), ['FILE:2: error', 'FILE:4: error']);
});

test('a file that was named must be there, the usual one need not', () => {
  const missing = loadConfiguration(['-f', `${DIRECTORY}/missing.xml`], {});
  assert.match(missing.findings.lines()[0], /missing.xml: error: ENOENT/);
  const named = loadConfiguration([], { DRACHTIO_CONFIG_FILE_PATH: `${DIRECTORY}/missing.xml` });
  assert.ok(named.findings.hasErrors);
});

test('the command line is read strictly', () => {
  for (const [argv, expected] of [
    [['--prot', '9022'], /^--prot: error: is not known\n9022: error: is not an option$/],
    [['--port'], /^--port: error: needs a value$/],
    [['--daemon=yes'], /^--daemon: error: takes no value$/],
    [['--external-ip', '1.2.3.4'], /^--external-ip: error: must come after the contact that it is of$/],
    [['--homer', 'example.com', '--homer-id', '1'], /^--homer: error: must be an address, with a port or without/],
  ]) {
    assert.match(load({ argv }).findings.lines().join('\n'), expected);
  }
});

test('without files of logs and syslog everything goes to the console', () => {
  const xml = '<logging><loglevel>debug</loglevel><file><name>/tmp/x.log</name></file></logging>';
  assert.deepEqual(load({ xml, argv: ['--noconfig'] }).options.observe.log, { level: 'debug', console: true });
  assert.deepEqual(load({}).options.observe.log, {});
});

test('a file in TOML has the options of serve', () => {
  const path = file('drachtio.toml', `
contact = ["sip:*:5070;transport=udp,tcp", { uri = "sip:*:8080;transport=ws", dnsNames = ["a.example.com"] }]
[admin]
port = 9_023
secret = "cymru"
[engine.timers]
t1 = 400
[engine.nat]
registrations = false
[[requestHandlers]]
method = "INVITE"
url = "http://127.0.0.1:8080"
`);
  const { options, findings } = loadConfiguration(['-f', path, '--secret', 'flag'], { DRACHTIO_ADMIN_TCP_PORT: '9999' });
  assert.deepEqual(findings.lines(), []);
  assert.deepEqual(options.contact, [{ uri: 'sip:*:5070;transport=udp,tcp' }, { uri: 'sip:*:8080;transport=ws', dnsNames: ['a.example.com'] }]);
  assert.deepEqual([options.admin.port, options.admin.secret], [9999, 'flag']);
  assert.deepEqual(options.engine, { timers: { t1: 400 }, nat: { registrations: false } });
  assert.equal(options.requestHandlers[0].method, 'INVITE');
});

test('what is wrong in TOML has its line too', () => {
  for (const [lines, expected] of [
    [['[admin', 'port = 1'], /^FILE:1: error: /],
    [['', '[admin]', 'prot = 1'], /^FILE:3: error: unknown option 'admin.prot'; known here: host, port, /],
    [['[engine.timers]', 't2 = 3000', 't1 = "fast"'], /^FILE:3: error: option 'engine.timers.t1' must be a whole number/],
    [['[admin]', 'port = 1', 'port = 2'], /^FILE:3: error: /],
    [['contact = [', '"sip:*",', '"sip:*;transport=sctp"]'], /^FILE:\d: error: .*sctp/],
    [['[__proto__]', 'x = 1'], /^FILE:1: error: unknown option '__proto__'; /],
  ]) {
    const path = file('wrong.toml', lines.join('\n'));
    const { findings, options } = loadConfiguration(['-f', path], {});
    assert.match(findings.lines().join('\n').replace(path, 'FILE'), expected);
    assert.equal(options, undefined);
  }
});
