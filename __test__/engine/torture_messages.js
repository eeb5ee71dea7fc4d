'use strict';
// Messages that are hard to read, or wrong in one place, in the spirit of RFC 4475.

/**
 * @typedef {object} Tortuous
 * @property {string} name
 * @property {string} expected what a server answers: statuses, `2xx`, `any` or `none`, separated by commas
 * @property {string} [byStream] the same by TCP if it differs; `wait` and `closed` are the connection's ways
 * @property {Buffer} bytes
 */

let number = 0;

/**
 * A request whose lines can be chosen one by one.
 *
 * @param {string} startLine
 * @param {Record<string, string | null>} [changes] null leaves a header out
 * @param {string} [body]
 */
function message(startLine, changes = {}, body = '') {
  number += 1;
  const method = startLine.split(' ')[0];
  const headers = {
    Via: `SIP/2.0/UDP knot.example.org;branch=z9hG4bKknot${number}`,
    'Max-Forwards': '70',
    From: `"K. Not" <sip:knot@example.org>;tag=k${number}`,
    To: '<sip:tangle@example.net>',
    'Call-ID': `knot-${number}@example.org`,
    CSeq: `${number} ${method}`,
    Contact: '<sip:knot@192.0.2.77>',
    'Content-Length': String(Buffer.byteLength(body)),
    ...changes,
  };
  const lines = Object.entries(headers).filter(([, value]) => value !== null);
  return Buffer.from(`${startLine}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`, 'latin1');
}

const OPTIONS = 'OPTIONS sip:tangle@127.0.0.1 SIP/2.0';
const INVITE = 'INVITE sip:tangle@127.0.0.1 SIP/2.0';
const SDP = 'v=0\r\no=k 1 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n';

/** @type {Tortuous[]} */
const messages = [
  { name: 'folded lines, compact names and odd spaces', expected: '200', bytes: message(OPTIONS, { From: null, To: null, f: '"K" <sip:knot@example.org>\r\n\t ;tag = k', 'T ': '\r\n <sip:tangle@example.net>' }) },
  { name: 'names and tokens in any case', expected: '200', bytes: message(OPTIONS, { 'Call-ID': null, 'cALL-iD': 'Knot@example.org', vIA: 'sip/2.0/udp KNOT.example.org;BRANCH=z9hG4bKmore' }) },
  { name: 'an unknown method of strange characters', expected: '501', bytes: message("~!tie.a-*knot*'%`+_ sip:tangle@127.0.0.1 SIP/2.0") },
  { name: 'a method that only looks escaped', expected: '501', bytes: message('OPTION%53 sip:tangle@127.0.0.1 SIP/2.0') },
  { name: 'a user with escapes, semicolons and nothing', expected: '2xx', bytes: message('OPTIONS sip:t%00;x=%40;y@127.0.0.1 SIP/2.0') },
  { name: 'a display name in eight bits', expected: '2xx', bytes: message(OPTIONS, { From: '"Kn\xc3\xb6t \\" \\\\" <sip:knot@example.org>;tag=k' }) },
  { name: 'a display name without a blank before its URI', expected: 'any', bytes: message(OPTIONS, { From: 'Knot<sip:knot@example.org>;tag=k' }) },
  { name: 'a very long parameter', expected: '2xx', bytes: message(OPTIONS, { To: `<sip:tangle@example.net;p=${'x'.repeat(4_000)}>` }) },
  { name: 'a header line beyond the limit', expected: '513', bytes: message(OPTIONS, { 'X-Long': 'x'.repeat(9_000) }) },
  { name: 'a body of any bytes', expected: '2xx', bytes: message(OPTIONS, { 'Content-Type': 'application/octet-stream' }, 'a\0\n\r\n\r\nb') },
  { name: 'a response that nobody waits for', expected: 'none', byStream: 'wait,closed', bytes: message('SIP/2.0 200', { CSeq: '1 OPTIONS' }) },
  { name: 'a response with a status too long', expected: 'none', byStream: 'wait,closed', bytes: message('SIP/2.0 20000 Fine', { CSeq: '1 OPTIONS' }) },
  { name: 'more octets than Content-Length', expected: '200', bytes: Buffer.concat([message(OPTIONS), Buffer.from('\r\n')]) },
  { name: 'fewer octets than Content-Length', expected: '400', byStream: 'wait', bytes: message(OPTIONS, { 'Content-Length': '500' }) },
  { name: 'a negative Content-Length', expected: '400', byStream: '400,closed', bytes: message(OPTIONS, { 'Content-Length': '-5' }) },
  { name: 'two lengths', expected: '400', byStream: '400,closed', bytes: message(OPTIONS, { l: '7' }, 'x') },
  { name: 'a CSeq beyond 32 bits', expected: '400', bytes: message(OPTIONS, { CSeq: '4294967296 OPTIONS' }) },
  { name: 'a CSeq of another method', expected: '400', bytes: message(OPTIONS, { CSeq: '7 INVITE' }) },
  { name: 'a quote that does not end', expected: '400', bytes: message(OPTIONS, { To: '"tangle <sip:tangle@example.net>' }) },
  { name: 'empty parameters', expected: '400', bytes: message(INVITE, { Contact: '"" <> ;,', 'Content-Type': 'application/sdp' }, SDP) },
  { name: 'two spaces in the request line', expected: '400', bytes: message('OPTIONS  sip:tangle@127.0.0.1 SIP/2.0') },
  { name: 'a space behind the request line', expected: '400', bytes: message(`${OPTIONS} `) },
  { name: 'brackets about the Request-URI', expected: '400', bytes: message('OPTIONS <sip:tangle@127.0.0.1> SIP/2.0') },
  { name: 'headers in the Request-URI', expected: '400', bytes: message('OPTIONS sip:tangle@127.0.0.1?Subject=x SIP/2.0') },
  { name: 'another version', expected: '505', bytes: message('OPTIONS sip:tangle@127.0.0.1 SIP/3.0') },
  { name: 'another scheme', expected: '416', bytes: message('OPTIONS knot:tangle SIP/2.0') },
  { name: 'no From', expected: '400', bytes: message(OPTIONS, { From: null }) },
  { name: 'two To headers', expected: '400', bytes: message(OPTIONS, { t: '<sip:other@example.net>' }) },
  { name: 'a branch of the cookie alone', expected: 'any', bytes: message(OPTIONS, { Via: 'SIP/2.0/UDP knot.example.org;branch=z9hG4bK' }) },
  { name: 'a forwarding limit of zero', expected: '200', bytes: message(OPTIONS, { 'Max-Forwards': '0' }) },
  { name: 'extensions that nobody has', expected: '420', bytes: message(OPTIONS, { Require: 'knots, bows', 'Proxy-Require': 'ropes' }) },
  { name: 'a body of an unknown type', expected: '415', bytes: message(INVITE, { 'Content-Type': 'application/x-knot' }, 'over, under') },
  { name: 'a call that is not there', expected: '481', bytes: message('BYE sip:tangle@127.0.0.1 SIP/2.0', { To: '<sip:tangle@example.net>;tag=gone' }) },
  { name: 'credentials of an unknown scheme', expected: '2xx', bytes: message('REGISTER sip:127.0.0.1 SIP/2.0', { Authorization: 'Rope length=5, strands="3"' }) },
  { name: 'a Contact with headers in it', expected: '2xx', bytes: message('REGISTER sip:127.0.0.1 SIP/2.0', { Contact: '<sip:knot@192.0.2.77?Route=%3Csip:example.org%3E>' }) },
  { name: 'an old INVITE: no branch, no tag, no Max-Forwards', expected: '2xx', bytes: message(INVITE, { Via: 'SIP/2.0/UDP 192.0.2.77', From: '<sip:knot@example.org>', 'Max-Forwards': null, 'Content-Type': 'application/sdp' }, SDP) },
];

module.exports = messages;
