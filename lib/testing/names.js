'use strict';

const { isIP } = require('node:net');
const { misuse } = require('../errors');
const { joinHostPort, splitHostPort } = require('../headers/uri');

/**
 * What an engine wants to know of a name.
 *
 * @typedef {object} Query
 * @property {string} host
 * @property {number} [port] then only the addresses of the host count (RFC 3263 §4.2)
 * @property {string} [transport] the only one that will do
 * @property {boolean} secure whether only secure ones will do
 *
 * @typedef {object} Destination
 * @property {string} transport
 * @property {string} address with a port
 *
 * One entry of the table.
 *
 * @typedef {object} Lead
 * @property {string} host an address
 * @property {number} [port]
 * @property {string} [transport]
 */

const PORTS = Object.freeze({ udp: 5060, tcp: 5060, tls: 5061, ws: 80, wss: 443 });

const LEAD = /^(?:(udp|tcp|tls|ws|wss)\/)?(\[[^\]]+\](?::\d{1,5})?|[\da-f:.]+)$/i;

/** Which names there are, and where they lead to. */
class Names {
  /** @type {Map<string, Lead[]>} */
  #table = new Map();

  /** @param {Record<string, string | readonly string[]>} table */
  constructor(table) {
    for (const [name, places] of Object.entries(table)) {
      this.#table.set(name.toLowerCase(), [places].flat().map((place) => readLead(name, place)));
    }
  }

  /**
   * Where a name leads to, best first.
   *
   * @param {Query} query
   * @returns {Destination[]}
   */
  find({ host, port, transport, secure }) {
    const leads = this.#table.get(host.toLowerCase()) ?? [];
    return leads
      .filter((lead) => port !== undefined || transport === undefined || (lead.transport ?? transport) === transport)
      .map((lead) => {
        // An entry with a transport or port is what an SRV record would be.
        const by = transport ?? (port === undefined ? lead.transport : undefined) ?? (secure ? 'tls' : 'udp');
        const at = port ?? lead.port ?? portOf(by);
        return { transport: by, address: joinHostPort(lead.host, at) };
      })
      .filter((destination) => !secure || destination.transport === 'tls' || destination.transport === 'wss');
  }

  /**
   * The address of a host.
   *
   * @param {string} host an address or a name
   * @returns {string | undefined}
   */
  addressOf(host) {
    return canonical(host) ?? this.#table.get(host.toLowerCase())?.[0]?.host;
  }
}

/**
 * @param {string} name
 * @param {unknown} place
 * @returns {Lead}
 */
function readLead(name, place) {
  const [, transport, rest] = LEAD.exec(String(place)) ?? [];
  const { host, port, valid } = isIP(rest ?? '') === 6 ? { host: rest, port: undefined, valid: true } : splitHostPort(rest ?? '');
  const address = canonical(host);
  if (address === undefined || !valid) {
    throw misuse(`openWorld: '${name}' in option 'names' must lead to an address, with a port and a transport or without, as '192.0.2.7' or 'tcp/192.0.2.7:5070'`, 'DRT_ERR_INVALID_OPTION');
  }
  return { host: address, port, transport: transport?.toLowerCase() };
}

/** @param {string} transport */
function portOf(transport) {
  return PORTS[/** @type {keyof typeof PORTS} */ (transport)];
}

/**
 * The one way in which an address is written, without brackets.
 *
 * @param {string} host
 * @returns {string | undefined} undefined for what is no address
 */
function canonical(host) {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) === 4) return bare;
  return isIP(bare) === 6 ? new URL(`http://[${bare}]`).hostname.slice(1, -1) : undefined;
}

module.exports = { Names, portOf };
