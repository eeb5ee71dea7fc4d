'use strict';

const { misuse } = require('../errors');
const { joinHostPort, parseUri } = require('../headers/uri');
const { portOf } = require('./names');
const { Peer } = require('./peer');

/** @typedef {import('../sip_message').SipMessage} SipMessage */

/** How long a message is waited for, in milliseconds of virtual time: as long as a transaction tries. */
const PATIENCE = 32_000;

/** A peer in a simulated world. */
class SimulatedPeer extends Peer {
  #hangUp;

  /**
   * @param {import('./world').Scene} scene
   * @param {string} uri
   */
  constructor(scene, uri) {
    const wire = new SimulatedWire(scene, uri);
    super((hear) => {
      wire.hear = hear;
      return wire;
    });
    this.#hangUp = () => scene.network.hangUp(wire);
  }

  /** Ends its connections. */
  hangUp() {
    this.#hangUp();
  }
}

/** What a peer sends and hears by. It is a `Place` of the network. */
class SimulatedWire {
  #scene;
  #transport;
  #address;
  #count = 0;
  /** The connection that a message has come over. @type {WeakMap<SipMessage, number>} */
  #connections = new WeakMap();

  patience = PATIENCE;
  connectTimeout = PATIENCE;
  /** @type {(text: string) => SipMessage | undefined} */
  hear = () => undefined;

  /**
   * @param {import('./world').Scene} scene
   * @param {string} uri
   */
  constructor(scene, uri) {
    const { host, port, transport } = placeOf(uri);
    const address = scene.names.addressOf(host);
    if (address === undefined) throw misuse(`a peer needs an address, or a name that has one: ${uri}`, 'DRT_ERR_INVALID_ARGUMENT');
    this.#scene = scene;
    this.#transport = transport;
    this.uri = uri;
    this.port = port;
    this.#address = joinHostPort(address, port);
    scene.network.settle(this, [`${transport}/${this.#address}`]);
  }

  get sentBy() {
    return `${this.#transport.toUpperCase()} ${this.#address}`;
  }

  newId() {
    // The characters of a tag (RFC 3261 §25.1).
    return `${this.#address.replace(/[^\w.]+/g, '-')}-${++this.#count}`;
  }

  /**
   * @param {string} text
   * @param {import('../headers/uri').SipUri} target
   * @param {SipMessage} [request]
   */
  send(text, target, request) {
    const address = this.#scene.names.addressOf(target.host);
    if (address === undefined) throw misuse(`nobody knows the name ${target.host}: see option 'names' of openWorld`, 'DRT_ERR_INVALID_ARGUMENT');
    const path = {
      transport: this.#transport,
      local: this.#address,
      peer: joinHostPort(address, target.port || portOf(this.#transport)),
      connection: request && this.#connections.get(request),
    };
    // Nobody tells it what becomes of what it sends.
    this.#scene.network.carry(this, path, Buffer.from(text), { sent() {}, failed() {} });
  }

  /**
   * @param {number} time
   * @param {() => void} over
   */
  wait(time, over) {
    const { timeline } = this.#scene;
    return timeline.wait(timeline.now + time, over);
  }

  /**
   * @param {import('./network').Path} path
   * @param {Buffer} payload
   */
  receive({ connection }, payload) {
    const message = this.hear(payload.toString('utf8'));
    if (message !== undefined && connection !== undefined) this.#connections.set(message, connection);
  }

  /** A connection has ended. */
  closed() {}

  close() {
    this.#scene.network.leave(this);
    return Promise.resolve();
  }
}

/** @param {string} uri */
function placeOf(uri) {
  const parsed = parseUri(uri);
  if (parsed === undefined || parsed.scheme === 'tel') throw misuse(`not a SIP URI: ${uri}`, 'DRT_ERR_INVALID_ARGUMENT');
  const transport = (parsed.params.transport ?? (parsed.scheme === 'sips' ? 'tls' : 'udp')).toLowerCase();
  const usual = portOf(transport);
  if (usual === undefined) throw misuse(`unknown transport '${transport}': ${uri}`, 'DRT_ERR_INVALID_ARGUMENT');
  return { host: parsed.host, port: parsed.port || usual, transport };
}

module.exports = { SimulatedPeer };
