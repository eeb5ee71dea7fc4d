'use strict';

const { setImmediate } = require('node:timers');
const { loadAddon, loadEngine } = require('../native');

/** The last host of 192.0.2.0/24. */
const MAX_HOST = 254;

/**
 * The class that stands in the place of the native engine for who connects in a world.
 *
 * @param {import('./world').Scene} scene
 * @returns {import('../native').EngineClass}
 */
function simulatedEngine(scene) {
  const Native = loadAddon().SimulatedEngine;
  const { headerNames } = loadEngine();

  /** It is a `Place` of the network and a `Clock` of the timeline. */
  class SimulatedEngine {
    static headerNames = headerNames;

    #wake;
    /** @type {import('../native').SimulatedEngine | undefined} */
    #started = undefined;
    /** It has been told to take events and has not done so. */
    #isTold = false;

    connectTimeout = 0;

    /** @param {() => void} wake */
    constructor(wake) {
      this.#wake = wake;
    }

    get #native() {
      return /** @type {import('../native').SimulatedEngine} */ (this.#started);
    }

    /**
     * @param {import('../native').StartOptions & {routes: string[]}} options
     * @returns {Promise<{hostports: string[]}>}
     */
    start(options) {
      return new Promise((resolve) => resolve(this.#start(options)));
    }

    /** @param {import('../native').StartOptions & {routes: string[]}} options */
    #start(options) {
      const native = new Native(options, freeAddresses(scene.network), scene.seed + scene.engines);
      scene.network.settle(this, native.hostports);
      scene.engines += 1;
      scene.timeline.add(this);
      this.connectTimeout = native.connectTimeout;
      this.#started = native;
      return { hostports: native.hostports };
    }

    /** @param {(string | number)[]} batch */
    submit(batch) {
      this.#native.submit(scene.timeline.now, batch);
      this.#handOut();
    }

    take() {
      this.#isTold = false;
      const events = [];
      while (this.#native.waiting > 0) events.push(...this.#native.take());
      return events;
    }

    next() {
      return this.#native.nextTimeout ?? undefined;
    }

    ring() {
      this.#native.timeout(scene.timeline.now);
      this.#handOut();
    }

    /**
     * @param {import('./network').Path} path
     * @param {Buffer} payload
     */
    receive({ transport, local, peer, connection }, payload) {
      this.#native.receive(scene.timeline.now, transport, local, peer, connection, payload);
      this.#handOut();
    }

    /** @param {number} connection */
    closed(connection) {
      this.#native.connectionClosed(scene.timeline.now, connection);
      this.#handOut();
    }

    /** Hands out what the engine has made. */
    #handOut() {
      const native = this.#native;
      for (const { token, payload, ...path } of native.transmits()) {
        scene.network.carry(this, path, payload, {
          sent: (connection) => token !== undefined && native.sent(token, connection),
          failed: (failure) => {
            if (token === undefined) return;
            native.unsent(scene.timeline.now, token, failure);
            this.#handOut();
          },
        });
      }
      for (const connection of native.hangUps()) scene.network.hangUp(this, connection);
      for (const { id, ...query } of native.queries()) {
        scene.timeline.plan(scene.timeline.now, () => {
          native.resolved(scene.timeline.now, id, scene.names.find(query));
          this.#handOut();
        });
      }
      this.#tell();
    }

    #tell() {
      scene.timeline.note();
      if (this.#isTold || this.#native.waiting === 0) return;
      this.#isTold = true;
      // In a turn of its own, as the engine's thread would.
      setImmediate(() => {
        scene.timeline.note();
        this.#wake();
      });
    }

    /** @param {Record<string, unknown>} screening */
    setScreening(screening) {
      this.#native.setScreening(screening);
    }

    drain() {
      this.#native.drain();
    }

    /** There are no certificates that could be read. */
    reloadTls() {
      return Promise.resolve();
    }

    metrics() {
      return Promise.resolve(this.#native.metrics(scene.network.connectionsOf(this)));
    }

    census() {
      return this.#started?.census(scene.network.connectionsOf(this)) ?? {};
    }

    counters() {
      return this.#started?.counters() ?? {};
    }

    close() {
      if (this.#started !== undefined) {
        this.#native.close(scene.timeline.now);
        this.#handOut();
        scene.timeline.remove(this);
        scene.network.leave(this);
      }
      return Promise.resolve();
    }
  }

  return /** @type {import('../native').EngineClass} */ (/** @type {unknown} */ (SimulatedEngine));
}

/**
 * What a `*` stands for, of each family (RFC 5737, RFC 3849).
 *
 * @param {import('./network').Network} network
 */
function freeAddresses(network) {
  for (let host = 1; ; host++) {
    const addresses = [`192.0.2.${host}`, `2001:db8::${host.toString(16)}`];
    if (host === MAX_HOST || !addresses.some((address) => network.has(address))) return addresses;
  }
}

module.exports = { simulatedEngine };
