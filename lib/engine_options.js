'use strict';

const { either, endpoint, flag, list, milliseconds, readOptions, record, section, text, whole, word } = require('./option_kinds');

/** A certificate and its private key. */
const CERTIFICATE = {
  cert: text('PEM, or the name of a file with it', 'cert.pem'),
  key: text('PEM, or the name of a file with it', 'key.pem'),
};

/** The options of TLS, which may change while the engine runs. */
const TLS = section({
  certificates: list(record({ ...CERTIFICATE, names: list(text('a host name', 'sip.example.com')) }, ['cert', 'key'])),
  ca: list(text('PEM, or the name of a file with it', 'ca.pem')),
  verifyServer: flag(),
  clientCertificate: record(CERTIFICATE, ['cert', 'key']),
  clientCertificates: word('ignore', 'request', 'require'),
  minVersion: word('TLSv1.2', 'TLSv1.3'),
  ciphers: list(text('the name of a cipher suite', 'ECDHE-RSA-AES128-GCM-SHA256')),
});

/** Which requests are turned away before the application is asked, which may change while the engine runs. */
const SCREENING = section({
  spammers: list(
    record(
      {
        header: word('User-Agent', 'From', 'To'),
        contains: list(text('a part of the value', 'friendly-scanner')),
      },
      ['header', 'contains'],
    ),
  ),
  action: word('reject', 'discard'),
  streamAction: word('reject', 'discard'),
  blocked: list(text('a numeric address', '203.0.113.9')),
  registerNeedsRealm: flag(),
});

/** The most that a table of the engine may be told to hold. */
const TABLE = 10_000_000;

/**
 * The options of `connect({engine})`: a table that everything else about them follows. The engine reads
 * them in `src/addon/settings.rs`, where their defaults can be found; `docs/options.md` and
 * `EngineOptions` in `index.d.ts` describe them, and tests hold the four together.
 */
const ENGINE_OPTIONS = section({
  timers: section({
    t1: milliseconds(10, 60_000),
    t2: milliseconds(10, 600_000),
    t4: milliseconds(10, 600_000),
    transaction: milliseconds(640, 3_840_000),
    c: milliseconds(1_000),
    application: milliseconds(100),
    ringing: milliseconds(1_000),
  }),
  sessionTimers: section({
    expires: whole(90, 86_400, 'seconds'),
    minSE: whole(90, 86_400, 'seconds'),
    refresher: word('uac', 'uas', 'none'),
  }),
  foreignReplaces: flag(),
  stateless: flag(),
  nat: section({
    inDialog: word('auto', 'source', 'contact'),
    registrations: flag(),
    markedRoutes: flag(),
  }),
  limits: section({
    serverTransactions: whole(1, TABLE),
    clientTransactions: whole(1, TABLE),
    dialogs: whole(1, TABLE),
    proxies: whole(1, TABLE),
    lookups: whole(1, TABLE),
    registrations: whole(1, TABLE),
    connections: whole(1, TABLE),
    queuedMessages: whole(1, TABLE),
    queuedBytes: whole(65_536, 1_073_741_824, 'bytes'),
    udpBuffer: whole(4_096, 1_073_741_824, 'bytes'),
  }),
  alwaysRing: flag(),
  optionsAutoAnswer: either(flag(), text('a User-Agent', 'monitor')),
  supported: list(text('an option tag', 'precondition')),
  accept: list(text('a media type', 'application/sdp')),
  screening: SCREENING,
  tls: TLS,
  bestEffortTls: flag(),
  connections: section({
    connectTimeout: milliseconds(10),
    tlsHandshakeTimeout: milliseconds(10),
    webSocketHandshakeTimeout: milliseconds(10),
    messageTimeout: milliseconds(10),
    writeTimeout: milliseconds(10),
    idleTimeout: milliseconds(0),
    keepAliveInterval: milliseconds(0),
    webSocketPingInterval: milliseconds(0),
    webSocketOrigins: list(text('an origin', 'https://app.example.com')),
    maxTimeouts: whole(0, 1_000),
  }),
  dns: section({
    servers: list(endpoint()),
    timeout: milliseconds(50, 60_000),
    attempts: whole(1, 10),
    deadline: milliseconds(100, 120_000),
    naptr: flag(),
  }),
  nextHop: section({
    outboundProxy: text('a SIP URI', 'sip:proxy.example.com'),
    avoidFor: milliseconds(0, 480_000),
    udpRequestLimit: whole(0, 65_535, 'bytes'),
  }),
});

/**
 * Reads what `reloadTls` is given.
 *
 * @param {unknown} options
 * @returns {Record<string, unknown>} with nothing in it that the engine does not know
 * @throws {TypeError} with code `DRT_ERR_INVALID_OPTION` and the name of the option
 */
function readTlsOptions(options) {
  return /** @type {Record<string, unknown>} */ (readOptions('reloadTls', TLS, options));
}

/**
 * Reads what `setScreening` is given.
 *
 * @param {unknown} options
 * @returns {Record<string, unknown>} with nothing in it that the engine does not know
 * @throws {TypeError} with code `DRT_ERR_INVALID_OPTION` and the name of the option
 */
function readScreeningOptions(options) {
  return /** @type {Record<string, unknown>} */ (readOptions('setScreening', SCREENING, options));
}

/** The options of `drain`. */
const DRAIN = section({ deadline: milliseconds(0) });

/**
 * Reads what `drain` is given.
 *
 * @param {unknown} options
 * @returns {{deadline?: number}}
 * @throws {TypeError} with code `DRT_ERR_INVALID_OPTION` and the name of the option
 */
function readDrainOptions(options) {
  return /** @type {{deadline?: number}} */ (readOptions('drain', DRAIN, options));
}

module.exports = { ENGINE_OPTIONS, readDrainOptions, readScreeningOptions, readTlsOptions };
