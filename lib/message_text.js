'use strict';

const { DrachtioError } = require('./errors');
const { HeaderCollector } = require('./headers/names');
const { reasonPhrase } = require('./status');
const { trimBlanks, unfold } = require('./wire_text');

/**
 * Messages as one string: what `new SipMessage(text)` reads and `toString()` writes. Messages
 * from the network do not come this way, the native part has indexed them.
 *
 * @typedef {object} StartLine
 * @property {string} [method]
 * @property {string} [uri]
 * @property {number} [status]
 * @property {string} [reason]
 * @property {string} [version] as in `2.0`
 */

/**
 * Parses a whole message. Lines may end with LF alone.
 *
 * @param {string} text
 * @returns {{start: StartLine, headers: Record<string, string>, body: string}}
 * @throws {DrachtioError} `DRT_ERR_INVALID_MESSAGE` when there is no start line
 */
function parseMessage(text) {
  const lines = new LineReader(text);
  const start = parseStartLine(lines.next() ?? '');
  if (start === undefined) throw new DrachtioError('failed to parse sip message', 'DRT_ERR_INVALID_MESSAGE');
  const collector = new HeaderCollector();
  for (let line = lines.next(); line; line = lines.next()) {
    let value = line;
    while (lines.continues()) value += `\r\n${lines.next()}`;
    const colon = value.indexOf(':');
    if (colon > 0) collector.add(trimBlanks(value.slice(0, colon)), unfold(trimBlanks(value.slice(colon + 1))));
  }
  return { start, headers: collector.headers, body: limitBody(lines.rest(), collector.headers['content-length']) };
}

/**
 * Parses the first line of a message.
 *
 * @param {string} line
 * @returns {StartLine | undefined}
 */
function parseStartLine(line) {
  const first = line.indexOf(' ');
  if (first <= 0) return undefined;
  const second = line.indexOf(' ', first + 1);
  if (line.startsWith('SIP/')) {
    const end = second === -1 ? line.length : second;
    const status = Number(line.slice(first + 1, end));
    if (!Number.isInteger(status)) return undefined;
    return { version: line.slice(4, first), status, reason: line.slice(end + 1) };
  }
  if (second === -1 || !line.startsWith('SIP/', second + 1)) return undefined;
  return { method: line.slice(0, first), uri: line.slice(first + 1, second), version: line.slice(second + 5) };
}

/**
 * What Content-Length says of a body, which counts bytes. Without one the body is all there is.
 *
 * @param {string} body
 * @param {string | undefined} contentLength
 */
function limitBody(body, contentLength) {
  const digits = contentLength?.trim();
  if (digits === undefined || !/^\d+$/.test(digits)) return body;
  const length = Number(digits);
  if (Buffer.byteLength(body) <= length) return body;
  return Buffer.from(body).subarray(0, length).toString('utf8');
}

/**
 * The text of a message, with a Content-Length that is right.
 *
 * @param {StartLine} start
 * @param {Record<string, string>} headers
 * @param {string} body
 */
function formatMessage(start, headers, body) {
  const lines = [formatStartLine(start)];
  for (const [name, value] of Object.entries(headers)) {
    if (name !== 'content-length') lines.push(`${name === 'call-id' ? 'Call-ID' : name}: ${value}`);
  }
  lines.push(`Content-Length: ${Buffer.byteLength(body)}`, '', body);
  return lines.join('\r\n');
}

/** @param {StartLine} start */
function formatStartLine({ method, uri, status, reason, version = '2.0' }) {
  if (status === undefined) return `${method ?? ''} ${uri ?? ''} SIP/${version}`;
  return `SIP/${version} ${status} ${reason || reasonPhrase(status)}`;
}

/** Goes through a text line by line. */
class LineReader {
  #text;
  #at = 0;

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
  }

  /** The next line without its end; undefined when there is none. */
  next() {
    if (this.#at >= this.#text.length) return undefined;
    const newline = this.#text.indexOf('\n', this.#at);
    const end = newline === -1 ? this.#text.length : newline;
    const line = this.#text.slice(this.#at, this.#text.charAt(end - 1) === '\r' && end > this.#at ? end - 1 : end);
    this.#at = end + 1;
    return line;
  }

  /** Whether the next line continues the header before it (RFC 3261 §7.3.1). */
  continues() {
    const first = this.#text.charAt(this.#at);
    return first === ' ' || first === '\t';
  }

  /** What is left. */
  rest() {
    return this.#text.slice(this.#at);
  }
}

module.exports = { parseMessage, parseStartLine, formatMessage };
