'use strict';

const { ENDPOINT } = require('./blacklist');
const { CONTACTS } = require('../contact_options');
const { ENGINE_OPTIONS } = require('../engine_options');
const { misuse } = require('../errors');
const { OBSERVE_OPTIONS } = require('../observe_options');
const { either, flag, list, milliseconds, readOptions, record, section, text, whole, word } = require('../option_kinds');

/**
 * What `drachtio.serve` and `npx drachtio serve` are told, checked and with its defaults filled in. Whatever a file,
 * the environment or the command line says ends here; nothing below knows where it came from.
 *
 * @typedef {object} ServeOptions
 * @property {import('../contact_options').ContactOptions[]} contact where SIP is listened for
 * @property {Record<string, unknown>} engine as `connect({engine})` takes it: see `engine_options.js`
 * @property {AdminOptions} admin where applications connect
 * @property {RequestHandler[]} requestHandlers which requests are routed by asking a web server, or go straight to an
 *   application: an entry for the method comes before one for `*`
 * @property {BlacklistOptions} [blacklist]
 * @property {Record<string, unknown>} observe as `connect({observe})` takes it: see `observe_options.js`
 * @property {boolean} logTables whether the sizes of the engine's tables are logged every 30 seconds
 * @property {{deadline: number}} drain `deadline`: how long calls may go on after SIGTERM, in milliseconds
 */

/**
 * Where applications connect, and how they prove that they may.
 *
 * @typedef {object} AdminOptions
 * @property {string} host the address to listen on
 * @property {number | boolean} port false: applications do not connect by TCP. 0 is any port that is free
 * @property {number | boolean} tlsPort false: applications do not connect by TLS
 * @property {string} secret
 * @property {number} adopt how long the calls of an application that has gone wait for one with the same tags, in milliseconds
 * @property {Record<string, number>} limits what connections may hold, and how long they may wait
 * @property {{cert: string, key: string}} [certificate] what applications are shown that connect by TLS; without it the
 *   first of `engine.tls.certificates`
 * @property {number} keepAliveInterval how long a connection may be silent before TCP probes it, in milliseconds; 0: for ever
 */

/**
 * @typedef {object} RequestHandler
 * @property {string} method in upper case, or `*`
 * @property {string} url `http:`, `https:`, `tcp://host:port` or `tls://host:port`
 * @property {'GET' | 'POST'} httpMethod
 * @property {boolean} verifyPeer whether an https or tls server must prove who it is
 */

/**
 * A set of addresses in redis whose requests are dropped.
 *
 * @typedef {object} BlacklistOptions
 * @property {string} key the name of the set
 * @property {string} [host] where redis is
 * @property {number} port
 * @property {string[]} [sentinels] `host:port` of those that know where redis is
 * @property {string} [master] the name by which they know it
 * @property {string} [password]
 * @property {number} refreshInterval in milliseconds
 */

/** The secret of applications where none is configured, as in drachtio-server. */
const DEFAULT_SECRET = 'admin';

/** Port of applications where none is configured. */
const DEFAULT_ADMIN_PORT = 9022;

/** The options of `serve`: a table that everything else about them follows. `docs/configuration.md` describes them. */
const SERVE_OPTIONS = section({
  contact: CONTACTS,
  engine: ENGINE_OPTIONS,
  admin: section({
    host: text('an address to listen on', '127.0.0.1'),
    port: either(whole(0, 65_535), flag()),
    tlsPort: either(whole(0, 65_535), flag()),
    secret: text('a text', 'cymru'),
    adopt: milliseconds(0),
    limits: section({
      connections: whole(1, 1_000_000),
      unauthenticated: whole(1, 1_000_000),
      authenticationTimeout: milliseconds(10),
      connectTimeout: milliseconds(10),
      writeTimeout: milliseconds(10),
      queuedBytes: whole(65_536, 1_073_741_824, 'bytes'),
      commands: whole(1, 1_000_000),
    }),
    certificate: record(
      {
        cert: text('PEM, or the name of a file with it', 'cert.pem'),
        key: text('PEM, or the name of a file with it', 'key.pem'),
      },
      ['cert', 'key'],
    ),
    keepAliveInterval: milliseconds(0),
  }),
  requestHandlers: list(
    record(
      {
        url: text('an http, https, tcp or tls URL', 'http://127.0.0.1:8080'),
        method: text('a method', 'INVITE'),
        httpMethod: word('GET', 'POST'),
        verifyPeer: flag(),
      },
      ['url'],
    ),
  ),
  blacklist: record(
    {
      key: text('the name of a set', 'blacklist'),
      host: text('a host', '127.0.0.1'),
      port: whole(1, 65_535),
      sentinels: list(text('a host and port', '10.0.0.1:26379')),
      master: text('a name', 'mymaster'),
      password: text('a text', 'secret'),
      refreshInterval: milliseconds(1_000),
    },
    ['key'],
  ),
  observe: OBSERVE_OPTIONS,
  logTables: flag(),
  drain: section({ deadline: milliseconds(0) }),
});

/**
 * Checks the options of `serve` and fills in what is left out.
 *
 * @param {unknown} options
 * @returns {ServeOptions}
 * @throws {TypeError} with code `DRT_ERR_INVALID_OPTION` and the full name of the option
 */
function readServeOptions(options) {
  const given = /** @type {Record<string, any>} */ (readOptions('serve', SERVE_OPTIONS, options));
  const admin = given.admin ?? {};
  const { blacklist } = given;
  if (admin.tlsPort !== undefined && admin.tlsPort !== false && admin.certificate === undefined && !given.engine?.tls?.certificates?.length) {
    throw wrong('admin.tlsPort', "needs a certificate, 'admin.certificate' or 'engine.tls.certificates'");
  }
  if (blacklist !== undefined && (blacklist.host === undefined) === (blacklist.sentinels === undefined)) {
    throw wrong('blacklist', "needs either 'host' or 'sentinels'");
  }
  if (blacklist?.sentinels !== undefined && blacklist.master === undefined) throw wrong('blacklist.master', 'is missing');
  if (blacklist?.sentinels?.length === 0 || blacklist?.sentinels?.some((/** @type {string} */ one) => !ENDPOINT.test(one))) {
    throw wrong('blacklist.sentinels', "must be hosts and ports, as in '10.0.0.1:26379'");
  }
  return {
    contact: given.contact ?? [{ uri: 'sip:*;transport=udp,tcp' }],
    engine: given.engine ?? {},
    admin: {
      // Whoever has chosen no secret shows nobody but this host that there is a well-known one.
      host: admin.secret === undefined ? '127.0.0.1' : '0.0.0.0',
      port: DEFAULT_ADMIN_PORT,
      tlsPort: false,
      secret: DEFAULT_SECRET,
      keepAliveInterval: 45_000,
      adopt: 0,
      limits: {},
      ...admin,
    },
    requestHandlers: (given.requestHandlers ?? []).map(readRequestHandler),
    blacklist: blacklist === undefined ? undefined : { port: 6379, refreshInterval: 300_000, ...blacklist },
    observe: given.observe ?? {},
    logTables: given.logTables ?? false,
    drain: { deadline: 30_000, ...given.drain },
  };
}

/**
 * @param {{url: string, method?: string, httpMethod?: 'GET' | 'POST', verifyPeer?: boolean}} handler
 * @param {number} at
 * @returns {RequestHandler}
 */
function readRequestHandler(handler, at) {
  const { protocol, port } = URL.canParse(handler.url) ? new URL(handler.url) : { protocol: '', port: '' };
  const isDirect = protocol === 'tcp:' || protocol === 'tls:';
  if (isDirect ? port === '' : protocol !== 'http:' && protocol !== 'https:') {
    throw wrong(`requestHandlers[${at}].url`, 'must be an http or https URL, or tcp://host:port or tls://host:port');
  }
  const method = (handler.method ?? '*').toUpperCase();
  // As drachtio-server has it: an application behind `tls://` may have signed its certificate itself.
  return { httpMethod: 'GET', verifyPeer: protocol !== 'tls:', ...handler, method };
}

/**
 * @param {string} name
 * @param {string} says
 */
function wrong(name, says) {
  return misuse(`serve: option '${name}' ${says}`, 'DRT_ERR_INVALID_OPTION');
}

module.exports = { DEFAULT_SECRET, readServeOptions };
