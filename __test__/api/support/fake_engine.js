'use strict';

const { substituteEngine } = require('../../../lib/native');

/**
 * A stand-in for the native engine: it notes the commands it is given, and tells the application
 * what a test wants it to. Nothing is answered by itself unless the test asks for that.
 */
class FakeEngine {
  /** Not in the order of the native part, and not all of its names: the application must not know either. */
  static headerNames = [
    ...['CSeq', 'Via', 'To', 'From', 'Call-ID', 'Contact', 'Content-Length', 'Content-Type', 'RSeq', 'RAck', 'Record-Route'],
    ...['Supported', 'WWW-Authenticate', 'Proxy-Authenticate', 'Authorization', 'Proxy-Authorization', 'Route', 'Expires'],
    ...['P-Asserted-Identity', 'Max-Forwards', 'Session-Expires', 'Subject', 'Diversion'],
  ];

  /** The engine that was made last. @type {FakeEngine} */
  static last;

  /** How the next `start` ends; a test may replace it. */
  static outcome = () => Promise.resolve({ hostports: ['udp/127.0.0.1:5060', 'tcp/127.0.0.1:5060'] });

  /** What the engine was started with. */
  started = undefined;
  /** Commands that were submitted, oldest first: `{kind, id, head, text}`. */
  commands = [];
  /** How many times `submit` was called. */
  submissions = 0;
  closed = false;
  /** Set to answer each command as it comes. @type {((command: object) => void) | undefined} */
  onCommand = undefined;
  /** What `take` and `submit` throw. */
  failure = undefined;

  #wake;
  #events = [];

  constructor(wake) {
    this.#wake = wake;
    FakeEngine.last = this;
  }

  start(options) {
    this.started = options;
    return FakeEngine.outcome();
  }

  submit(batch) {
    if (this.failure) throw this.failure;
    this.submissions++;
    for (let at = 0; at < batch.length; at += 4) {
      const [kind, id, head, text] = batch.slice(at, at + 4);
      const command = { kind, id, head, text };
      this.commands.push(command);
      this.onCommand?.(command);
    }
  }

  take() {
    if (this.failure) throw this.failure;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  counters() {
    return { failovers: 0 };
  }

  census() {
    return { dialogs: 0 };
  }

  close() {
    this.closed = true;
    return Promise.resolve();
  }

  /** The commands since the last call of this. */
  drain() {
    return this.commands.splice(0);
  }

  /** Adds an event that waits for `ring`. */
  post(kind, id, frame, index) {
    this.#events.push(kind, id, frame, index);
    return this;
  }

  /** Tells the application that events wait. */
  ring() {
    this.#wake();
  }

  /** A message from the network. */
  receive(text, meta) {
    this.post(1, 0, ...frameOf(text, meta)).ring();
  }

  /** The answer to a command that has been carried out: the message as it was sent. */
  accept({ id, text }, meta, sentText = text) {
    this.post(2, id, ...frameOf(sentText, { source: 'application', ...meta })).ring();
  }

  /** The answer to a command that has not been carried out. */
  refuse({ id }, text, code = 'DRT_ERR_TEST') {
    this.post(3, id, `${code}|${text}`, '').ring();
  }

  /** A response on a branch of a proxied request; `txn` is the number of the branch. */
  branch({ id }, text, meta) {
    this.post(4, id, ...frameOf(text, { txn: '', ...meta })).ring();
  }

  /** A branch of a proxied request has begun or ended. */
  progress({ id }, text) {
    this.post(8, id, text, '').ring();
  }

  /** A command without a message of its own has come to its end. */
  finish({ id }) {
    this.post(5, id, '', '').ring();
  }
}

/**
 * A frame and its index, as the native part makes them.
 *
 * @param {string | Buffer} text a message, or its bytes; a blank line at its end may be left out
 * @returns {[string, string]}
 */
function frameOf(text, meta = {}) {
  const { source = 'network', protocol = 'udp', address = '10.0.0.9', port = 5090, time = '18:02:49.715381', txn = 'txn-1', dialog = '' } = meta;
  const given = Buffer.from(text).toString('latin1');
  const bytes = given.includes('\r\n\r\n') ? given : `${given.replace(/(\r\n)?$/, '')}\r\n\r\n`;
  const head = [source, bytes.length, protocol, address, port, time, txn, '127.0.0.1', 5060, dialog].join('|');
  const frame = `${head}\r\n${bytes}`;
  return [frame, String.fromCharCode(...indexOf(frame, head.length + 2))];
}

function indexOf(frame, start) {
  const blank = frame.indexOf('\r\n\r\n', start);
  const units = [start, blank + 4 < frame.length ? blank + 4 : 0];
  let at = frame.indexOf('\r\n', start) + 2;
  while (at <= blank) {
    let end = frame.indexOf('\r\n', at);
    while (end < blank && ' \t'.includes(frame[end + 2])) end = frame.indexOf('\r\n', end + 2);
    const colon = frame.indexOf(':', at);
    const name = frame.slice(at, colon).trimEnd();
    const value = frame.slice(colon + 1, end);
    const valueStart = colon + 1 + (value.length - value.trimStart().length);
    units.push(numberOf(name), at, at + name.length, valueStart, valueStart + value.trim().length);
    at = end + 2;
  }
  return units;
}

const COMPACT = new Map(Object.entries({ v: 'Via', f: 'From', t: 'To', i: 'Call-ID', m: 'Contact', l: 'Content-Length', c: 'Content-Type' }));

function numberOf(name) {
  const long = COMPACT.get(name.toLowerCase()) ?? name;
  const number = FakeEngine.headerNames.findIndex((known) => known.toLowerCase() === long.toLowerCase());
  return number === -1 ? 255 : number;
}

substituteEngine(FakeEngine);

module.exports = { FakeEngine, frameOf };
