'use strict';

const { DrachtioError, throwLater } = require('../errors');
const { splitHostPort } = require('../headers/uri');
const { SipMessage } = require('../sip_message');

/**
 * One way between two places.
 *
 * @typedef {object} Path
 * @property {string} transport as in `udp`
 * @property {string} local an address with a port
 * @property {string} peer
 * @property {number} [connection]
 *
 * Somebody who has addresses.
 *
 * @typedef {object} Place
 * @property {(path: Path, payload: Buffer) => void} receive
 * @property {(connection: number) => void} closed a connection has ended
 * @property {number} connectTimeout how long it waits for a connection to be opened
 *
 * What becomes of a message, as far as its sender learns it.
 *
 * @typedef {object} Fate
 * @property {(connection?: number) => void} sent it is on its way, over this connection if over one
 * @property {(failure: 'unreachable' | 'timeout') => void} failed
 *
 * Where a message goes: `udp/192.0.2.1:5060` and the like.
 *
 * @typedef {object} Hop
 * @property {string} from
 * @property {string} to
 *
 * The quality of the network. Times are milliseconds, shares are from 0 to 1.
 *
 * @typedef {object} Link
 * @property {number} latency what every message takes
 * @property {number} jitter what a message may take more, so that datagrams overtake each other
 * @property {number | ((message: SipMessage, hop: Hop) => boolean)} loss the share of datagrams that are lost, or which
 * @property {number} duplication the share of datagrams that arrive twice
 *
 * @typedef {Hop & {time: number, text: string, arrivals: number[]}} Sent
 *
 * One end of a connection.
 *
 * @typedef {object} End
 * @property {number} id
 * @property {Place} place
 * @property {Path} path
 * @property {number} notBefore nothing arrives before what was sent before
 */

/** How many messages are remembered; the oldest is forgotten first. */
const MAX_SENT = 100_000;

/** What lies between the places: it delays datagrams, loses and doubles them, and keeps those over a connection in order. */
class Network {
  #timeline;
  #random;
  /** By transport and address. @type {Map<string, Place>} */
  #places = new Map();
  /** Addresses that somebody has or had. What is sent to another one is never heard of. */
  #hosts = new Set();
  /** The other end of each end of a connection, by the id of the former. @type {Map<number, End>} */
  #ends = new Map();
  #lastId = 0;
  #lastPort = 40_000;

  /** @type {Link} */
  link;
  /** @type {Sent[]} */
  sent = [];

  /**
   * @param {import('./timeline').Timeline} timeline
   * @param {() => number} random
   * @param {Link} link
   */
  constructor(timeline, random, link) {
    this.#timeline = timeline;
    this.#random = random;
    this.link = link;
  }

  /**
   * Gives somebody addresses, `udp/192.0.2.1:5060` and the like.
   *
   * @param {Place} place
   * @param {string[]} hostports
   * @throws {DrachtioError} `EADDRINUSE`, and then he has none of them
   */
  settle(place, hostports) {
    const taken = hostports.find((hostport) => this.#places.has(hostport));
    if (taken !== undefined) throw new DrachtioError(`${taken} is in use by another one in this world`, 'EADDRINUSE');
    for (const hostport of hostports) {
      this.#places.set(hostport, place);
      this.#hosts.add(hostOf(hostport.slice(hostport.indexOf('/') + 1)));
    }
  }

  /**
   * Whether somebody has an address.
   *
   * @param {string} address
   */
  has(address) {
    return [...this.#places.keys()].some((hostport) => hostOf(hostport.slice(hostport.indexOf('/') + 1)).replace(/[[\]]/g, '') === address);
  }

  /**
   * Takes the addresses of somebody away, and ends his connections.
   *
   * @param {Place} place
   */
  leave(place) {
    for (const [hostport, one] of this.#places) if (one === place) this.#places.delete(hostport);
    this.hangUp(place);
  }

  /**
   * Carries a message.
   *
   * @param {Place} from
   * @param {Path} path
   * @param {Buffer} payload
   * @param {Fate} fate
   */
  carry(from, path, payload, fate) {
    const { transport, local, peer } = path;
    /** @type {Sent} */
    const sent = { time: this.#timeline.now, from: `${transport}/${local}`, to: `${transport}/${peer}`, text: payload.toString(), arrivals: [] };
    this.sent.push(sent);
    if (this.sent.length > MAX_SENT) this.sent.shift();
    if (transport === 'udp') this.#carryDatagram(path, payload, sent, fate);
    else this.#carryStream(from, path, payload, sent, fate);
  }

  /**
   * @param {Path} path
   * @param {Buffer} payload
   * @param {Sent} sent
   * @param {Fate} fate
   */
  #carryDatagram({ local, peer }, payload, sent, fate) {
    if (this.#hosts.has(hostOf(peer)) && !this.#places.has(sent.to)) {
      // The host says that nobody has the port (ICMP).
      this.#timeline.plan(this.#arrival(), () => fate.failed('unreachable'));
      return;
    }
    fate.sent();
    if (!this.#places.has(sent.to) || this.#isLost(sent)) return;
    const copies = this.#random() < this.link.duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const time = this.#arrival();
      sent.arrivals.push(time);
      this.#timeline.plan(time, () => {
        this.#places.get(sent.to)?.receive({ transport: 'udp', local: peer, peer: local }, payload);
      });
    }
  }

  /** @param {Sent} sent */
  #isLost(sent) {
    const { loss } = this.link;
    if (typeof loss === 'number') return this.#random() < loss;
    const message = parse(sent.text);
    if (message === undefined) return false;
    try {
      return loss(message, { from: sent.from, to: sent.to });
    } catch (err) {
      throwLater(err);
      return false;
    }
  }

  #arrival() {
    const { latency, jitter } = this.link;
    return this.#timeline.now + Math.round(latency + (jitter > 0 ? this.#random() * jitter : 0));
  }

  /**
   * @param {Place} from
   * @param {Path} path
   * @param {Buffer} payload
   * @param {Sent} sent
   * @param {Fate} fate
   */
  #carryStream(from, path, payload, sent, fate) {
    const far = this.#known(from, path) ?? this.#connect(from, path);
    if (far === undefined) {
      const isRefused = this.#hosts.has(hostOf(path.peer));
      const time = isRefused ? this.#arrival() : this.#timeline.now + from.connectTimeout;
      this.#timeline.plan(time, () => fate.failed(isRefused ? 'unreachable' : 'timeout'));
      return;
    }
    const near = /** @type {End} */ (this.#ends.get(far.id));
    fate.sent(near.id);
    far.notBefore = Math.max(far.notBefore, this.#arrival());
    sent.arrivals.push(far.notBefore);
    this.#timeline.plan(far.notBefore, () => far.place.receive({ ...far.path, connection: far.id }, payload));
  }

  /**
   * The far end of the connection that is named, or of any there is to the peer.
   *
   * @param {Place} from
   * @param {Path} path
   */
  #known(from, { transport, peer, connection }) {
    if (connection !== undefined && this.#ends.has(connection)) return this.#ends.get(connection);
    for (const [id, far] of this.#ends) {
      const near = this.#ends.get(far.id);
      if (near?.id === id && near.place === from && near.path.transport === transport && near.path.peer === peer) return far;
    }
    return undefined;
  }

  /**
   * @param {Place} from
   * @param {Path} path
   * @returns {End | undefined} the far end
   */
  #connect(from, { transport, local, peer }) {
    const place = this.#places.get(`${transport}/${peer}`);
    if (place === undefined) return undefined;
    const source = `${local.slice(0, local.lastIndexOf(':'))}:${++this.#lastPort}`;
    const { now } = this.#timeline;
    const near = { id: ++this.#lastId, place: from, path: { transport, local, peer }, notBefore: now };
    const far = { id: ++this.#lastId, place, path: { transport, local: peer, peer: source }, notBefore: now };
    this.#ends.set(near.id, far);
    this.#ends.set(far.id, near);
    return far;
  }

  /**
   * How many connections somebody has.
   *
   * @param {Place} place
   */
  connectionsOf(place) {
    return [...this.#ends.values()].filter((end) => end.place === place).length;
  }

  /**
   * Ends the connections of somebody, or one of them.
   *
   * @param {Place} place
   * @param {number} [connection] the id of his end
   */
  hangUp(place, connection) {
    for (const [id, far] of [...this.#ends]) {
      const near = this.#ends.get(far.id);
      if (near === undefined || near.place !== place || (connection !== undefined && id !== connection)) continue;
      this.#ends.delete(near.id);
      this.#ends.delete(far.id);
      this.#timeline.plan(Math.max(far.notBefore, this.#arrival()), () => far.place.closed(far.id));
      this.#timeline.plan(this.#timeline.now, () => near.place.closed(near.id));
    }
  }
}

/**
 * @param {string} text
 * @returns {SipMessage | undefined} undefined for a keep-alive, or whatever a peer sends that is no message
 */
function parse(text) {
  try {
    return new SipMessage(text);
  } catch {
    return undefined;
  }
}

/** @param {string} hostport */
function hostOf(hostport) {
  return splitHostPort(hostport).host;
}

module.exports = { Network };
