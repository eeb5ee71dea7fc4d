'use strict';

const { inspect } = require('node:util');
const { checkedName, checkedValue } = require('./headers/draft');
const { parsePayload } = require('./headers/multipart');
const { HeaderCollector, findName, headerTable, lowerName, setHeader } = require('./headers/names');
const { parseNameAddr } = require('./headers/name_addr');
const { PARSERS } = require('./headers/parsers');
const { unquote } = require('./headers/scan');
const { parseUri } = require('./headers/uri');
const { OTHER } = require('./headers/wire_names');
const { formatMessage, parseMessage, parseStartLine } = require('./message_text');
const { decode, unfold } = require('./wire_text');

/** @typedef {import('./headers/wire_names').WireNames} WireNames */
/** @typedef {import('./message_text').StartLine} StartLine */

/**
 * Layout of an index: where the message begins, where its body does (0 when it has none), then
 * five numbers for each header.
 */
const FIRST_HEADER = 2;
const HEADER_UNITS = 5;

/**
 * A message from a frame of the native part.
 *
 * @type {(frame: string, index: string, names: WireNames) => SipMessage}
 */
let fromFrame;

/**
 * A SIP message. One that came from the engine is a text and an index of it: what the application
 * asks for is cut out when it asks. Once somebody has seen the `headers` object, it is that
 * object that counts, since it can be changed.
 */
class SipMessage {
  #frame = '';
  #index = '';
  /** @type {WireNames | undefined} */
  #names = undefined;
  /** @type {StartLine | undefined} */
  #start = undefined;
  /** @type {Record<string, string> | undefined} */
  #headers = undefined;
  /** @type {string | undefined} */
  #body = undefined;
  /** @type {string | undefined} */
  #raw = undefined;

  static {
    fromFrame = (frame, index, names) => {
      const message = new SipMessage();
      message.#frame = frame;
      message.#index = index;
      message.#names = names;
      return message;
    };
  }

  /**
   * @param {string | SipMessage | {method?: string, uri?: string, status?: number, reason?: string,
   *   version?: string, headers?: Record<string, import('./headers/draft').HeaderValue>, body?: string}} [source]
   *   the text of a message, or its parts
   */
  constructor(source) {
    if (source === undefined) return;
    if (typeof source === 'string') {
      const { start, headers, body } = parseMessage(source);
      this.#start = start;
      this.#headers = headers;
      this.#body = body;
      this.#raw = source;
      return;
    }
    const { method, uri, status, reason, version, headers, body } = source;
    this.#start = { method, uri, status, reason, version };
    this.#body = body;
    if (source instanceof SipMessage) this.#headers = Object.assign(headerTable(), headers);
    else if (headers) this.set(headers);
  }

  get #line() {
    this.#start ??= this.#wireStart();
    return this.#start;
  }

  #wireStart() {
    if (this.#index === '') return {};
    const start = this.#index.charCodeAt(0);
    return parseStartLine(this.#frame.slice(start, this.#frame.indexOf('\r\n', start))) ?? {};
  }

  /** `request` or `response`; undefined for an empty message. */
  get type() {
    const { method, status } = this.#line;
    if (method !== undefined) return 'request';
    return status === undefined ? undefined : 'response';
  }

  get method() {
    return this.#line.method;
  }

  set method(method) {
    this.#line.method = method;
  }

  get uri() {
    return this.#line.uri;
  }

  set uri(uri) {
    this.#line.uri = uri;
  }

  get status() {
    return this.#line.status;
  }

  set status(status) {
    this.#line.status = status;
  }

  get reason() {
    return this.#line.reason;
  }

  set reason(reason) {
    this.#line.reason = reason;
  }

  get version() {
    return this.#line.version;
  }

  set version(version) {
    this.#line.version = version;
  }

  /** Every header by its name; the values of one that is there several times are joined with commas. */
  get headers() {
    this.#headers ??= this.#wireHeaders();
    return this.#headers;
  }

  set headers(headers) {
    this.#headers = headerTable();
    this.set(headers);
  }

  #wireHeaders() {
    const collector = new HeaderCollector();
    const stored = this.#names?.stored ?? [];
    for (let at = FIRST_HEADER; at < this.#index.length; at += HEADER_UNITS) {
      const known = stored[this.#index.charCodeAt(at)];
      if (known === undefined) collector.add(this.#wireName(at), this.#wireValue(at));
      else collector.addStored(known, this.#wireValue(at));
    }
    return collector.headers;
  }

  /** @param {number} at where a header's numbers begin in the index */
  #wireName(at) {
    return this.#frame.slice(this.#index.charCodeAt(at + 1), this.#index.charCodeAt(at + 2));
  }

  /** @param {number} at */
  #wireValue(at) {
    return unfold(decode(this.#frame.slice(this.#index.charCodeAt(at + 3), this.#index.charCodeAt(at + 4))));
  }

  /**
   * The value of a header, whatever case or compact form it is named by.
   *
   * @param {string} name
   * @returns {string | undefined}
   */
  get(name) {
    if (this.#headers === undefined && this.#names !== undefined) return this.#wireGet(this.#names, name);
    const key = findName(this.headers, name);
    return key === undefined ? undefined : this.headers[key];
  }

  /**
   * @param {WireNames} names
   * @param {string} name
   */
  #wireGet(names, name) {
    const number = names.numberOf(name);
    const lower = number === OTHER ? lowerName(name) : '';
    let value;
    for (let at = FIRST_HEADER; at < this.#index.length; at += HEADER_UNITS) {
      if (this.#index.charCodeAt(at) !== number) continue;
      if (number === OTHER && lowerName(this.#wireName(at)) !== lower) continue;
      value = value === undefined ? this.#wireValue(at) : `${value},${this.#wireValue(at)}`;
    }
    return value;
  }

  /**
   * Whether the message has a header, whatever case or compact form it is named by.
   *
   * @param {string} name
   */
  has(name) {
    return this.get(name) !== undefined;
  }

  /**
   * How the name of a header is written in `headers`: what `headers[name]` and a copy of it to another message need.
   *
   * @param {string} name in any case, or its compact form
   * @returns {string | undefined} undefined when the message has no such header
   */
  getHeaderName(name) {
    return findName(this.headers, name);
  }

  /**
   * Sets one header, or each of a table. A further value of a header that is there is appended
   * after a comma, unless a message has only one of that header: then it replaces the value.
   *
   * @param {string | Record<string, import('./headers/draft').HeaderValue>} name
   * @param {import('./headers/draft').HeaderValue} [value]
   * @throws {TypeError} `DRT_ERR_INVALID_HEADER` for what is no header name, or a line break in the value
   */
  set(name, value) {
    if (typeof name === 'object') {
      for (const [key, item] of Object.entries(name)) this.set(key, item);
    } else if (value !== undefined && value !== null) {
      setHeader(this.headers, checkedName(name), checkedValue(name, value));
    }
    return this;
  }

  /**
   * What a header says, in a shape that depends on the header; its text if there is no such shape.
   *
   * @param {string} name
   * @returns {unknown} undefined when the message has no such header
   */
  getParsedHeader(name) {
    const value = this.get(name);
    const parse = PARSERS.get(lowerName(name));
    return value === undefined || parse === undefined ? value : parse(value);
  }

  /** The body; '' when there is none. */
  get body() {
    this.#body ??= this.#wireBody();
    return this.#body;
  }

  set body(body) {
    this.#body = body;
  }

  #wireBody() {
    const start = this.#index === '' ? 0 : this.#index.charCodeAt(1);
    if (start === 0) return '';
    // A datagram may be longer than its message (RFC 3261 §18.3).
    const length = this.#names === undefined ? NaN : Number(this.#wireGet(this.#names, 'Content-Length') ?? NaN);
    return decode(Number.isInteger(length) ? this.#frame.slice(start, start + length) : this.#frame.slice(start));
  }

  /** The parts of the body: one, or those of a multipart body. */
  get payload() {
    return parsePayload(this.get('content-type'), this.body);
  }

  /** The text of the message as it was received; undefined for one that was made here. */
  get raw() {
    if (this.#raw === undefined && this.#index !== '') this.#raw = decode(this.#frame.slice(this.#index.charCodeAt(0)));
    return this.#raw;
  }

  /** The user part of the request-URI without its parameters, or a telephone number; '' if there is none. */
  get calledNumber() {
    return numberOf(this.uri);
  }

  /** The number in P-Asserted-Identity, or else in From; '' if there is none. */
  get callingNumber() {
    return numberOf(this.#caller?.uri);
  }

  /** The display name in P-Asserted-Identity, or else in From, without quotes; '' if there is none. */
  get callingName() {
    return unquote(this.#caller?.name ?? '');
  }

  get #caller() {
    const text = this.get('p-asserted-identity') ?? this.get('from');
    return text === undefined ? undefined : parseNameAddr(text);
  }

  /** True for an INVITE or SUBSCRIBE outside every dialog. */
  get canFormDialog() {
    if (this.method !== 'INVITE' && this.method !== 'SUBSCRIBE') return false;
    return parseNameAddr(this.get('to') ?? '').params.tag === undefined;
  }

  /** The text of the message as it is now. */
  toString() {
    return formatMessage(this.#line, this.headers, this.body);
  }

  toJSON() {
    const { headers, body, payload, method, uri, status, reason, version, raw } = this;
    return { headers, body, payload, ...(status === undefined ? { method, uri } : { status, reason }), version, raw };
  }

  /**
   * @param {number} _depth
   * @param {import('node:util').InspectOptions} options
   */
  [inspect.custom](_depth, options) {
    return `SipMessage ${inspect(this.toJSON(), options)}`;
  }
}

/** @param {string | undefined} text a URI */
function numberOf(text) {
  const uri = parseUri(text);
  if (uri === undefined) return '';
  return uri.scheme === 'tel' ? uri.number : (uri.user ?? '').split(';', 1)[0];
}

module.exports = { SipMessage, fromFrame };
