'use strict';
// Many callees in one process, each of which answers its calls as its script says, on UDP and TCP.

const dgram = require('node:dgram');
const { once } = require('node:events');
const net = require('node:net');
const { freePort } = require('./free_port');

const HEAD_END = '\r\n\r\n';

/**
 * What a callee does with an INVITE, one step after the other.
 *
 * @typedef {object} Step
 * @property {number} status
 * @property {Record<string, string>} [headers] further ones
 * @property {(call: Call) => boolean} [once] waits until this holds; it is asked after each message of the call
 *
 * @typedef {object} Call  what all callees of a call have seen; a call is known by the user of its request-URI, up to a dot
 * @property {Seen[]} seen  requests that were received and responses that were sent, in order
 *
 * @typedef {object} Seen
 * @property {string} callee  the user of the request-URI
 * @property {'received' | 'sent'} direction
 * @property {string} start   first line
 * @property {string} method  of the request, or of the one that is answered
 * @property {number} status  0 for a request
 * @property {string} branch  of the topmost Via
 * @property {string} text
 */

class Callees {
  #sockets = [];
  /** @type {Map<string, Call>} */
  #calls = new Map();
  /** What was sent last in a transaction. @type {Map<string, string>} */
  #answers = new Map();
  /** @type {Set<{call: Call, go: () => boolean}>} */
  #waiting = new Set();

  /**
   * @param {number[]} ports each is on UDP and TCP
   * @param {(callee: string) => Step[]} script
   */
  constructor(ports, script) {
    this.ports = ports;
    this.script = script;
  }

  /**
   * @param {number} count how many ports
   * @param {(callee: string) => Step[]} script what the callee with this user does with an INVITE
   */
  static async start(count, script) {
    const callees = new Callees(await Promise.all(Array.from({ length: count }, freePort)), script);
    await Promise.all(callees.ports.map((port) => callees.#listen(port)));
    return callees;
  }

  /** @param {string} id */
  call(id) {
    if (!this.#calls.has(id)) this.#calls.set(id, { seen: [] });
    return /** @type {Call} */ (this.#calls.get(id));
  }

  stop() {
    for (const socket of this.#sockets.splice(0)) {
      if (socket instanceof net.Socket) socket.destroy();
      else socket.close();
    }
  }

  async #listen(port) {
    const udp = dgram.createSocket('udp4').bind(port, '127.0.0.1');
    const tcp = net.createServer((socket) => this.#accept(socket)).listen(port, '127.0.0.1');
    this.#sockets.push(udp, tcp);
    udp.on('message', (datagram, from) => {
      this.#receive(datagram.toString('latin1'), (text) => udp.send(text, from.port, from.address));
    });
    await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
  }

  #accept(socket) {
    let waiting = '';
    this.#sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      waiting += chunk.toString('latin1');
      for (;;) {
        const head = waiting.indexOf(HEAD_END);
        if (head < 0) return;
        const end = head + HEAD_END.length + Number(values(waiting.slice(0, head), 'Content-Length')[0] ?? 0);
        if (waiting.length < end) return;
        const text = waiting.slice(0, end);
        waiting = waiting.slice(end);
        this.#receive(text, (answer) => socket.write(answer));
      }
    });
  }

  #receive(text, send) {
    const [method, uri] = text.split(' ', 2);
    const callee = /^sips?:([^@]*)@/.exec(uri)?.[1] ?? '';
    const call = this.call(callee.split('.')[0]);
    const branch = branchOf(text);
    note(call, { callee, direction: 'received', start: text.slice(0, text.indexOf('\r\n')), method, status: 0, branch, text });

    const key = (of) => `${branch} ${of}`;
    const respond = (request, { status, headers }) => {
      const answer = responseTo(request, callee, status, headers);
      const to = values(request, 'CSeq')[0].split(' ')[1];
      this.#answers.set(key(to), answer);
      note(call, { callee, direction: 'sent', start: answer.slice(0, answer.indexOf('\r\n')), method: to, status, branch, text: answer });
      send(answer);
    };
    const known = this.#answers.get(key(method));
    if (known !== undefined) {
      if (known !== '') send(known);
    } else if (method === 'INVITE') {
      this.#answers.set(key('INVITE'), '');
      const steps = [...this.script(callee)];
      const isOver = () => /^SIP\/2\.0 [2-6]/.test(this.#answers.get(key('INVITE')) ?? '');
      this.#waiting.add({
        call,
        go: () => {
          while (steps.length > 0 && !isOver() && (steps[0].once?.(call) ?? true)) respond(text, /** @type {Step} */ (steps.shift()));
          return steps.length === 0 || isOver();
        },
      });
    } else if (method === 'CANCEL') {
      const invite = this.#answers.get(key('INVITE'));
      respond(text, { status: invite === undefined ? 481 : 200 });
      if (invite !== undefined && !/^SIP\/2\.0 [2-6]/.test(invite)) {
        const cancelled = call.seen.find((seen) => seen.method === 'INVITE' && seen.branch === branch);
        respond(/** @type {Seen} */ (cancelled).text, { status: 487 });
      }
    } else if (method !== 'ACK') {
      respond(text, { status: 200 });
    }
    this.#goOn(call);
  }

  /** What one callee does may be what another one waits for. */
  #goOn(call) {
    let before;
    do {
      before = call.seen.length;
      for (const entry of this.#waiting) {
        if (entry.call === call && entry.go()) this.#waiting.delete(entry);
      }
    } while (call.seen.length > before);
  }
}

function note(call, seen) {
  call.seen.push(seen);
}

/** @param {string} text */
function branchOf(text) {
  return /branch=([^;,\s]+)/.exec(values(text, 'Via')[0] ?? '')?.[1] ?? '';
}

function responseTo(request, callee, status, headers = {}) {
  const copied = ['Via', 'Record-Route', 'From', 'Call-ID', 'CSeq'].flatMap((name) => values(request, name).map((value) => `${name}: ${value}`));
  const [to] = values(request, 'To');
  // The Contact is the request-URI: it says the transport too.
  const contact = headers.Contact === undefined && status < 300 ? { Contact: `<${request.split(' ')[1]}>` } : {};
  const lines = [
    `SIP/2.0 ${status} As Scripted`,
    ...copied,
    `To: ${to}${to.includes(';tag=') ? '' : `;tag=${callee}`}`,
    ...Object.entries({ ...contact, ...headers }).map(([name, value]) => `${name}: ${value}`),
    'Content-Length: 0',
  ];
  return lines.join('\r\n') + HEAD_END;
}

/**
 * The values of a header, one for each line.
 *
 * @param {string} text
 * @param {string} name
 */
function values(text, name) {
  return [...text.matchAll(new RegExp(`^${name}:[ \\t]*(.*?)\\r?$`, 'gim'))].map(([, value]) => value);
}

module.exports = { Callees, values };
