'use strict';

const { endpoint, flag, record, section, text, whole, word } = require('./option_kinds');

/** The most that a file of a log or trace may be told to hold. */
const TERABYTE = 2 ** 40;

/** The words of drachtio-server for how much is logged, the least first. */
const LOG_LEVELS = Object.freeze(['notice', 'error', 'warning', 'info', 'debug']);

/** A file that is begun anew when it is full, of which the oldest are removed. */
const ROTATION = {
  maxSize: whole(4_096, TERABYTE, 'bytes'),
  maxFiles: whole(1, 10_000),
};

/**
 * What is shown of an engine at work: a table that everything else about these options follows. The engine reads them
 * in `src/addon/observe_settings.rs`; `docs/operations.md` and `ObserveOptions` in `index.d.ts` describe them.
 */
const OBSERVE_OPTIONS = section({
  metrics: section({
    host: text('an address to listen on', '127.0.0.1'),
    port: whole(0, 65_535),
  }),
  log: section({
    level: word(...LOG_LEVELS),
    format: word('text', 'json'),
    messages: flag(),
    console: flag(),
    file: record(
      {
        path: text('the name of a file', '/var/log/drachtio.log'),
        archive: text('the name of a directory', '/var/log/archive'),
        ...ROTATION,
        daily: flag(),
        readableByAll: flag(),
      },
      ['path'],
    ),
    syslog: record(
      {
        address: endpoint(),
        facility: word('local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'),
      },
      ['address'],
    ),
  }),
  hep: record(
    {
      address: endpoint(),
      captureId: whole(0, 4_294_967_295),
      version: whole(1, 3),
    },
    ['address'],
  ),
  pcap: record({ path: text('the name of a file', '/var/tmp/sip.pcap'), ...ROTATION }, ['path']),
  cdr: record({ path: text('the name of a file', '/var/log/calls.json'), ...ROTATION, daily: flag() }, ['path']),
});

module.exports = { LOG_LEVELS, OBSERVE_OPTIONS };
