'use strict';
// Callers and a callee on UDP, in a process of their own: `fork(…, [port])`, then messages `{first, count}`. Each number from
// `first` on is an OPTIONS, a call or a call that is to be proxied to the callee, in turn; `{resent}` comes back when all have ended.

const dgram = require('node:dgram');

/** How many are under way at once: what the buffers of the sockets hold without a loss. */
const AT_ONCE = 100;

/** A datagram may be lost all the same. What has no answer for so long is sent again, in milliseconds (T1). */
const PATIENCE = 500;

const SDP = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 40000 RTP/AVP 0', ''].join('\r\n');

const server = Number(process.argv[2]);
const caller = dgram.createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
const callee = dgram.createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });

/** What is under way, by number. */
const open = new Map();
let [next, end, resent] = [0, 0, 0];

const valueOf = (text, name) => new RegExp(`^${name}: *(.*?)\\r$`, 'im').exec(text)?.[1];

/** The lines of a header that may be there several times. */
const linesOf = (text, name) => text.split('\r\n').filter((line) => line.toLowerCase().startsWith(`${name}:`));

function message(line, headers, body = '') {
  return [line, ...headers, `Content-Length: ${body.length}`, '', body].join('\r\n');
}

/** A request of one's own; inside a call it goes where the answer says. */
function request(one, method, body) {
  const { number, answer } = one;
  const routes = answer === undefined ? [] : linesOf(answer, 'record-route').reverse().map((line) => line.replace(/^record-route/i, 'Route'));
  const uri = answer === undefined ? `sip:${one.kind}@127.0.0.1:${server}` : /<([^>]*)>/.exec(valueOf(answer, 'contact'))[1];
  return message(`${method} ${uri} SIP/2.0`, [
    `Via: SIP/2.0/UDP 127.0.0.1:${caller.address().port};branch=z9hG4bK-${number}-${method}`,
    ...routes,
    'Max-Forwards: 70',
    `From: <sip:caller@127.0.0.1>;tag=${number}`,
    `To: ${answer === undefined ? `<${uri}>` : valueOf(answer, 'to')}`,
    `Call-ID: ${number}@traffic`,
    `CSeq: ${method === 'BYE' ? 2 : 1} ${method}`,
    `Contact: <sip:caller@127.0.0.1:${caller.address().port}>`,
    ...(method === 'INVITE' ? ['Content-Type: application/sdp'] : []),
  ], body);
}

/** Sends a request that is answered. */
function ask(one, method, body) {
  one.method = method;
  one.text = request(one, method, body);
  one.sentAt = Date.now();
  one.isAgain = false;
  caller.send(one.text, server, '127.0.0.1');
}

function begin() {
  while (next < end && open.size < AT_ONCE) {
    const one = { number: next, kind: ['options', 'call', 'proxied'][next % 3] };
    next += 1;
    open.set(one.number, one);
    ask(one, one.kind === 'options' ? 'OPTIONS' : 'INVITE', one.kind === 'options' ? undefined : SDP);
  }
  if (open.size > 0) return;
  process.send({ resent });
}

caller.on('message', (bytes) => {
  const text = bytes.toString('latin1');
  const one = open.get(Number.parseInt(valueOf(text, 'call-id'), 10));
  const [, method] = (valueOf(text, 'cseq') ?? '').split(' ');
  const status = Number(text.slice(8, 11));
  if (one === undefined || method !== one.method || status < 200) return;
  // The answer to a BYE may be lost, and the call forgotten, when it is sent again.
  if (status !== 200 && !(status === 481 && one.isAgain)) throw new Error(`${one.kind}: ${text}`);
  if (method === 'INVITE') {
    one.answer = text;
    caller.send(request(one, 'ACK'), server, '127.0.0.1');
    ask(one, 'BYE');
    return;
  }
  open.delete(one.number);
  begin();
});

callee.on('message', (bytes) => {
  const text = bytes.toString('latin1');
  if (text.startsWith('ACK') || text.startsWith('SIP/')) return;
  const to = valueOf(text, 'to');
  const copied = ['via', 'record-route', 'from', 'call-id', 'cseq'].flatMap((name) => linesOf(text, name));
  const own = [`To: ${to.includes(';tag=') ? to : `${to};tag=callee`}`, `Contact: <sip:callee@127.0.0.1:${callee.address().port}>`];
  callee.send(message('SIP/2.0 200 OK', [...copied, ...own]), server, '127.0.0.1');
});

setInterval(() => {
  for (const one of open.values()) {
    if (Date.now() - one.sentAt < PATIENCE) continue;
    resent += 1;
    one.isAgain = true;
    one.sentAt = Date.now();
    caller.send(one.text, server, '127.0.0.1');
  }
}, PATIENCE);

process.on('message', ({ first, count }) => {
  [next, end] = [first, first + count];
  begin();
});
process.on('disconnect', () => process.exit());

caller.bind(0, '127.0.0.1', () => callee.bind(0, '127.0.0.1', () => process.send({ callee: callee.address().port })));
