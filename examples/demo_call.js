'use strict';
// Two phones in one process: bob and alice register, alice calls bob, they talk for a moment, alice hangs up.
//
// Each phone is an application of its own with a SIP engine of its own, on a port that the system chooses, and knows of the
// other only what the proxy tells it. What each sends and receives is noted for the ladder.

const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const drachtio = require('..');

const RING = 150;
const TALK = 400;
const DAY = 24 * 60 * 60 * 1000;

const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 40000 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  '',
].join('\r\n');

/**
 * Makes the call through the proxy that listens on one of `hostports`, and returns its messages.
 *
 * @param {string} hostports as `connect` reports them, such as `udp/127.0.0.1:5060,tcp/127.0.0.1:5060`
 * @returns {Promise<import('./ladder').Message[]>}
 */
async function demoCall(hostports) {
  const messages = [];
  const proxy = reachable(hostports);
  const [alice, bob] = [new Phone('alice', proxy, messages), new Phone('bob', proxy, messages)];
  try {
    for (const phone of [alice, bob]) {
      await phone.switchOn();
      await phone.register(300);
    }
    messages.length = 0;
    const dialog = await alice.call('bob');
    await sleep(TALK);
    await alice.hangUp(dialog);
    await bob.answered;
    const call = [...messages];
    for (const phone of [alice, bob]) await phone.register(0);
    return call;
  } finally {
    alice.switchOff();
    bob.switchOff();
  }
}

class Phone {
  constructor(name, proxy, messages) {
    this.name = name;
    this.proxy = proxy;
    this.messages = messages;
    this.app = drachtio();
    this.app.invite((req, res) => this.#ring(req, res));
    this.app.ack((req) => this.#received(req));
    this.app.bye((req, res) => {
      this.#received(req);
      this.#answer(res, 200);
    });
  }

  async switchOn() {
    this.app.connect({ contact: `sip:${this.proxy.local}:0;transport=${this.proxy.transport}` });
    const [err, hostport] = await once(this.app, 'connect');
    if (err) throw err;
    this.address = hostport.split(',')[0].split('/')[1];
  }

  switchOff() {
    this.app.disconnect?.();
  }

  async register(expires) {
    const aor = `sip:${this.name}@${this.proxy.address}`;
    const contact = `<sip:${this.name}@${this.address};transport=${this.proxy.transport}>`;
    const headers = { From: `<${aor}>`, To: `<${aor}>`, Contact: contact, Expires: expires };
    const res = await this.#request({ uri: this.#uri(), method: 'REGISTER', headers });
    if (res.status !== 200) throw new Error(`the registration of ${this.name} was answered ${res.status}`);
  }

  /** Calls another phone; resolves to the dialog's id once the call is up. */
  async call(other) {
    const headers = { From: `<sip:${this.name}@${this.proxy.address}>`, 'Content-Type': 'application/sdp' };
    const res = await this.#request({ uri: this.#uri(other), method: 'INVITE', headers, body: SDP });
    if (res.status !== 200) throw new Error(`the call to ${other} was answered ${res.status}`);
    return res.stackDialogId;
  }

  async hangUp(stackDialogId) {
    await this.#request({ method: 'BYE', stackDialogId });
  }

  async #ring(req, res) {
    this.#received(req);
    this.#answer(res, 180);
    await sleep(RING);
    this.#answer(res, 200, { headers: { 'Content-Type': 'application/sdp' }, body: SDP });
  }

  #answer(res, status, opts = {}) {
    const time = now();
    this.answered = new Promise((resolve) => {
      res.send(status, opts, (err, msg) => {
        if (!err) this.#note(this.name, 'proxy', time, `${msg.status} ${msg.reason}`);
        resolve();
      });
    });
  }

  /** Sends a request and resolves to its final response, acknowledged when it asks for that. */
  #request(opts) {
    return new Promise((resolve, reject) => {
      this.#note(this.name, 'proxy', now(), opts.method);
      this.app.request(opts, (err, req) => {
        if (err) return reject(err);
        req.on('response', (res, ack) => {
          this.#received(res);
          if (res.status < 200) return;
          if (opts.method === 'INVITE' && res.status < 300) {
            this.#note(this.name, 'proxy', now(), 'ACK');
            ack();
          }
          resolve(res);
        });
      });
    });
  }

  #received(msg) {
    const label = msg.type === 'response' ? `${msg.status} ${msg.reason}` : msg.method;
    this.#note('proxy', this.name, ofStack(msg.stackTime), label);
  }

  #note(from, to, time, label) {
    this.messages.push({ from, to, time, label });
  }

  #uri(user) {
    const suffix = this.proxy.transport === 'udp' ? '' : `;transport=${this.proxy.transport}`;
    return `sip:${user ? `${user}@` : ''}${this.proxy.address}${suffix}`;
  }
}

/** The listener that the phones use, UDP if there is one, and the loopback address from which they reach it. */
function reachable(hostports) {
  const all = hostports.split(',').map((hostport) => hostport.split('/'));
  const [transport, bound] = all.find(([protocol]) => protocol === 'udp') ?? all[0];
  const address = bound.replace('0.0.0.0:', '127.0.0.1:').replace('[::]:', '[::1]:');
  return { transport, address, local: address.startsWith('[') ? '[::1]' : '127.0.0.1' };
}

/** The time of day in ms (UTC), on the same clock as `stackTime`, and as finely. */
function now() {
  return (performance.timeOrigin + performance.now()) % DAY;
}

/** `HH:MM:SS.uuuuuu` as ms. */
function ofStack(stackTime) {
  const [hours, minutes, seconds] = stackTime.split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

module.exports = { demoCall };
