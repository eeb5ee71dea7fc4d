'use strict';
// What getParsedHeader makes of each header.

const test = require('node:test');
const assert = require('node:assert/strict');
const { SipMessage } = require('../..');

const parse = (name, value, as = name) => new SipMessage({ headers: { [name]: value } }).getParsedHeader(as);

test('Via: one object for each value', () => {
  assert.deepEqual(parse('Via', 'SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK;rport, SIP / 2.0 / TCP  host ; received=1.2.3.4,SIP/2.0/TLS [2001:db8::1]:5061'), [
    { version: '2.0', protocol: 'UDP', host: '10.0.0.1', port: 5060, params: { branch: 'z9hG4bK', rport: undefined } },
    { version: '2.0', protocol: 'TCP', host: 'host', port: undefined, params: { received: '1.2.3.4' } },
    { version: '2.0', protocol: 'TLS', host: '[2001:db8::1]', port: 5061, params: {} },
  ]);
});

test('From and To: name, uri and parameters; quotes stay', () => {
  assert.deepEqual(parse('From', '"Alice, \\"A\\" <Smith>" <sip:alice@example.com;transport=tcp>;tag=ft1;foo="bar; baz"'), {
    name: '"Alice, \\"A\\" <Smith>"',
    uri: 'sip:alice@example.com;transport=tcp',
    params: { tag: 'ft1', foo: '"bar; baz"' },
  });
  assert.deepEqual(parse('To', 'Bob Builder <sip:bob@localhost> ; tag = t1'), { name: 'Bob Builder', uri: 'sip:bob@localhost', params: { tag: 't1' } });
  assert.deepEqual(parse('To', 'sip:bob@example.com;tag=t1'), { name: undefined, uri: 'sip:bob@example.com', params: { tag: 't1' } });
  assert.deepEqual(parse('t', '<tel:+123;ext=4>', 'to'), { name: undefined, uri: 'tel:+123;ext=4', params: {} });
});

test('a compact name is parsed as the long one', () => {
  assert.equal(parse('From', '<sip:a@b>;tag=1', 'f').params.tag, '1');
  assert.equal(parse('f', '<sip:a@b>;tag=1', 'FROM').params.tag, '1');
});

test('Contact: an array, which answers for its first element as well', () => {
  const contacts = parse('Contact', '<sip:a@h.example>;expires=60, "B, C" <sip:b@h.example>;q=0.5');
  assert.deepEqual([...contacts], [
    { name: undefined, uri: 'sip:a@h.example', params: { expires: '60' } },
    { name: '"B, C"', uri: 'sip:b@h.example', params: { q: '0.5' } },
  ]);
  assert.equal(contacts.params.expires, '60');
  assert.equal(contacts.uri, 'sip:a@h.example');
  assert.equal(contacts.name, undefined);
  assert.deepEqual(Object.keys(contacts), ['0', '1']);
  assert.equal(JSON.stringify(contacts).startsWith('['), true);
  assert.deepEqual([...parse('m', '*', 'contact')], [{ name: undefined, uri: '*', params: {} }]);
  assert.deepEqual([...parse('Contact', '')], []);
});

test('Route, Record-Route and Path: arrays whose URIs are parsed', () => {
  for (const name of ['Route', 'Record-Route', 'Path']) {
    const [first, second, third] = parse(name, '<sip:p1.example;lr>,<sip:p2:5070;transport=tcp>;x=y, <nonsense>');
    assert.deepEqual([first.uri.host, first.uri.params.lr, first.params], ['p1.example', null, {}]);
    assert.deepEqual([second.uri.port, second.uri.params.transport, second.params], [5070, 'tcp', { x: 'y' }]);
    assert.equal(third.uri, undefined);
  }
});

test('CSeq and Content-Length: numbers', () => {
  assert.deepEqual(parse('CSeq', '314159  INVITE'), { seq: 314159, method: 'INVITE' });
  assert.ok(Number.isNaN(parse('CSeq', 'x').seq));
  assert.equal(parse('Content-Length', '42'), 42);
  assert.ok(Number.isNaN(parse('Content-Length', '4x')));
  assert.ok(Number.isNaN(parse('Content-Length', '-4')));
});

test('challenges and credentials: an array of schemes with their parameters', () => {
  const digest = { scheme: 'Digest', realm: '"a, b"', nonce: '"x=="', algorithm: 'MD5', qop: '"auth,auth-int"' };
  const text = 'Digest realm="a, b", nonce="x==", algorithm=MD5, qop="auth,auth-int"';
  for (const name of ['WWW-Authenticate', 'Proxy-Authenticate', 'Authorization', 'Proxy-Authorization']) {
    assert.deepEqual(parse(name, text), [digest], name);
    assert.deepEqual(parse(name, `${text},Basic realm = "c" , Digest nonce="d"`), [digest, { scheme: 'Basic', realm: '"c"' }, { scheme: 'Digest', nonce: '"d"' }], name);
  }
  assert.deepEqual(parse('WWW-Authenticate', 'Negotiate, NTLM abc=='), [{ scheme: 'Negotiate' }, { scheme: 'NTLM', abc: '=' }]);
  assert.deepEqual(parse('Authentication-Info', 'qop=auth, rspauth="1"'), { qop: 'auth', rspauth: '"1"' });
});

test('Refer-To, Referred-By, P-Asserted-Identity and Remote-Party-ID: addresses', () => {
  for (const name of ['Refer-To', 'Referred-By', 'P-Asserted-Identity', 'Remote-Party-ID']) {
    assert.deepEqual(parse(name, '"Al" <sip:a@b?Replaces=1>;x=y'), { name: '"Al"', uri: 'sip:a@b?Replaces=1', params: { x: 'y' } }, name);
  }
});

test('anything else is its text', () => {
  assert.equal(parse('Content-Type', 'text/plain;charset=utf-8'), 'text/plain;charset=utf-8');
  assert.equal(parse('X-A', '1, 2'), '1, 2');
});

test('what is not there is undefined, not an error', () => {
  const msg = new SipMessage();
  for (const name of ['contact', 'route', 'via', 'www-authenticate', 'cseq', 'from', 'to', 'refer-to', 'subject', 'content-length']) {
    assert.equal(msg.getParsedHeader(name), undefined, name);
  }
});

test('parameters that objects have of themselves are parameters like any other', () => {
  const { params } = parse('From', '<sip:a@b>;__proto__=x;constructor=y;tag=z');
  assert.deepEqual(Object.entries(params), [['__proto__', 'x'], ['constructor', 'y'], ['tag', 'z']]);
  assert.equal(Object.getPrototypeOf(params), Object.prototype);
});

test('halves of things come to an end', () => {
  const long = 60_000;
  const halves = ['"', '"a', '<', '<<', '>', '"a\\', '"a" <', ';;;', ',,,', '=', '/', 'SIP/', 'Digest', 'Digest =', ',"', '[', '<sip:[::1'];
  const repeated = [',', ';', '"', '<', '\\"', ' ', '=', '/', 'a ', '";', '<,', '(', '\t', 'a=", '].map((piece) => piece.repeat(long / piece.length));
  for (const name of ['Via', 'From', 'Contact', 'Route', 'CSeq', 'Content-Length', 'WWW-Authenticate', 'Authentication-Info']) {
    for (const text of [...halves, ...repeated]) {
      const parsed = parse(name, text);
      assert.notEqual(parsed, undefined, `${name}: ${text.slice(0, 20)}`);
    }
  }
});
