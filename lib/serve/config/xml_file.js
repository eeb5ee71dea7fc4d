'use strict';

const { loadAddon } = require('../../native');
const { BOOLEAN, SETTINGS } = require('./settings');
const { note } = require('./values');

/** @typedef {import('./findings').Findings} Findings */
/** @typedef {import('../../native').XmlElement} Element */

/**
 * Elements that stand for lists, and what has a reader of its own below. What may be in them is given as `/`-joined
 * names of attributes and elements.
 */
const LISTS = [
  'sip/contacts/contact',
  'sip/contacts/contact/external-ip',
  'sip/contacts/contact/local-net',
  'sip/contacts/contact/dns-names',
  'sip/contact',
  'sip/contact/external-ip',
  'sip/contact/local-net',
  'sip/contact/dns-names',
  'request-handlers/request-handler',
  'request-handlers/request-handler/sip-method',
  'request-handlers/request-handler/http-method',
  'request-handlers/request-handler/verify-peer',
  'sip/spammers/action',
  'sip/spammers/tcp-action',
  'sip/spammers/header/name',
  'sip/spammers/header/value',
];

const BY_PATH = new Map(SETTINGS.filter(({ xml }) => xml !== undefined).map((setting) => [setting.xml, setting]));

/** Every path that means something, with those that lead to it. */
const KNOWN = new Set([...BY_PATH.keys(), ...LISTS].flatMap((path) => String(path).split('/').map((_, at, all) => all.slice(0, at + 1).join('/'))));

/**
 * Reads a `drachtio.conf.xml`.
 *
 * @param {string} text
 * @param {string} file its name, for what is said of it
 * @param {Findings} findings
 * @returns {import('./values').Source['values']}
 */
function readXml(text, file, findings) {
  const values = new Map();
  /** @type {Element} */
  let root;
  try {
    root = loadAddon().parseXml(text);
  } catch (err) {
    const [line, , ...problem] = /** @type {Error} */ (err).message.split(':');
    findings.error(`${file}:${line}`, problem.join(':').trim());
    return values;
  }
  /** @param {{line: number}} node */
  const at = ({ line }) => `${file}:${line}`;
  if (root.name !== 'drachtio') findings.error(at(root), `the document must be <drachtio>, not <${root.name}>`);
  const reader = new Reader(at, values, findings);
  reader.read(root, '');
  reader.finish();
  return values;
}

class Reader {
  #at;
  #values;
  #findings;
  /** @type {{value: import('./values').Contact, where: string}[]} */
  #contacts = [];
  /** @type {{value: import('./values').Handler, where: string}[]} */
  #handlers = [];

  /**
   * @param {(node: {line: number}) => string} at
   * @param {import('./values').Source['values']} values
   * @param {Findings} findings
   */
  constructor(at, values, findings) {
    this.#at = at;
    this.#values = values;
    this.#findings = findings;
  }

  /**
   * @param {Element} element
   * @param {string} path of the element; empty for the root
   */
  read(element, path) {
    if (path === 'sip/contact' || path === 'sip/contacts/contact') this.#contact(element);
    else if (path === 'request-handlers/request-handler') this.#handler(element);
    else if (path === 'sip/spammers') this.#spammers(element);
    else {
      this.#setting(path, element.text, element);
      for (const attribute of element.attributes) this.#setting(join(path, attribute.name), attribute.value, attribute);
      for (const child of element.children) this.read(child, join(path, child.name));
    }
  }

  finish() {
    for (const [name, list] of /** @type {const} */ ([['contacts', this.#contacts], ['handlers', this.#handlers]])) {
      if (list.length > 0) this.#values.set(name, { value: list.map(({ value }) => value), where: list[0].where, each: list.map(({ where }) => where) });
    }
  }

  /**
   * @param {string} path
   * @param {string} text
   * @param {{line: number}} node
   */
  #setting(path, text, node) {
    const setting = BY_PATH.get(path);
    const where = this.#at(node);
    if (setting !== undefined) {
      // What is there and says nothing is as good as not there, unless being there says it.
      const isEmpty = text === '' && setting.type.read('') === undefined;
      if (!isEmpty) note(this.#values, this.#findings, setting, text.trim(), where, path);
    } else if (path !== '' && !KNOWN.has(path)) this.#findings.warning(where, `'${path}' is not known, and has no effect`);
  }

  /** @param {Element} element */
  #contact(element) {
    const { 'external-ip': externalIp, 'local-net': localNet, 'dns-names': dnsNames } = this.#attributes(element, ['external-ip', 'local-net', 'dns-names']);
    const split = (/** @type {string} */ list) => list.split(/[\s,;]+/).filter(Boolean);
    this.#contacts.push({
      where: this.#at(element),
      value: {
        uri: element.text,
        ...(externalIp && { externalIp }),
        ...(localNet && { localNet: split(localNet) }),
        ...(dnsNames && { dnsNames: split(dnsNames) }),
      },
    });
  }

  /** @param {Element} element */
  #handler(element) {
    const { 'sip-method': method, 'http-method': httpMethod, 'verify-peer': verify } = this.#attributes(element, ['sip-method', 'http-method', 'verify-peer']);
    if (verify && BOOLEAN.read(verify) === undefined) this.#findings.error(this.#at(element), `'verify-peer' must be ${BOOLEAN.says}`);
    this.#handlers.push({
      where: this.#at(element),
      value: {
        url: element.text,
        method: method ?? '*',
        ...(httpMethod && { httpMethod: httpMethod.toUpperCase() }),
        ...(verify && { verifyPeer: BOOLEAN.read(verify) === true }),
      },
    });
  }

  /** @param {Element} element */
  #spammers(element) {
    const { action, 'tcp-action': streamAction } = this.#attributes(element, ['action', 'tcp-action']);
    /** @type {import('./values').SpammerHeaders} */
    const headers = [];
    for (const child of element.children) {
      if (child.name !== 'header') {
        this.#findings.warning(this.#at(child), `'sip/spammers/${child.name}' is not known, and has no effect`);
        continue;
      }
      const { name } = this.#attributes(child, ['name']);
      const known = ['User-Agent', 'From', 'To'].find((one) => one.toLowerCase() === name?.toLowerCase());
      const contains = child.children.filter((value) => value.name === 'value' && value.text !== '').map(({ text }) => text);
      if (known === undefined) this.#findings.error(this.#at(child), 'a header of spammers is User-Agent, From or To');
      else if (contains.length > 0) headers.push({ header: known, contains });
    }
    for (const one of [action, streamAction]) {
      if (one !== undefined && one !== 'reject' && one !== 'discard') this.#findings.error(this.#at(element), "what is done with spammers is 'reject' or 'discard'");
    }
    this.#values.set('spammers', { value: { action, streamAction, headers }, where: this.#at(element) });
  }

  /**
   * @param {Element} element
   * @param {string[]} known
   * @returns {Record<string, string | undefined>}
   */
  #attributes(element, known) {
    /** @type {Record<string, string>} */
    const values = {};
    for (const attribute of element.attributes) {
      if (known.includes(attribute.name)) values[attribute.name] = attribute.value.trim();
      else this.#findings.warning(this.#at(attribute), `attribute '${attribute.name}' of <${element.name}> is not known, and has no effect`);
    }
    return values;
  }
}

/** @param {string} path @param {string} name */
function join(path, name) {
  return path === '' ? name : `${path}/${name}`;
}

module.exports = { readXml };
