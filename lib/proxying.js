'use strict';

const { onAbort } = require('./abort');
const { Collector } = require('./proxy_results');

/**
 * A request that the engine is proxying: the answer to the command, which the request and whoever asked are told of.
 */
class Proxying {
  #collector = new Collector();
  #req;
  #session;
  #callback;
  #offSignal = () => {};

  /**
   * @param {import('./request').Request} req
   * @param {import('./session').Session} session
   * @param {AbortSignal | null | undefined} signal
   * @param {(err: Error | null, results?: import('./proxy_results').ProxyResults) => void} callback
   */
  constructor(req, session, signal, callback) {
    this.#req = req;
    this.#session = session;
    this.#callback = callback;
    if (signal) this.#offSignal = onAbort(signal, () => session.stopProxying(req));
  }

  /** @param {string} text */
  progress(text) {
    const step = this.#collector.progress(text);
    if (step !== undefined) this.#req.emit(step.hasEnded ? 'final' : 'branch', step.branch);
  }

  /**
   * @param {string} frame
   * @param {string} index
   */
  branch(frame, index) {
    const { response, branch } = this.#collector.response(frame, this.#session.message(frame, index));
    if (response.status < 200 && branch !== undefined) this.#req.emit('provisional', response, branch);
  }

  done() {
    this.#offSignal();
    this.#session.answered(this.#req);
    this.#callback(null, this.#collector.results());
  }

  /** @param {Error} err */
  refused(err) {
    this.#offSignal();
    this.#callback(err);
  }
}

module.exports = { Proxying };
