'use strict';

const { channel } = require('node:diagnostics_channel');

/**
 * What other modules may watch, through `node:diagnostics_channel`. Names and messages are a public surface: see
 * `docs/diagnostics.md`. A message is made only when somebody subscribes.
 */
const CHANNELS = Object.freeze({
  /** `{agent, hostport}` */
  connected: channel('drachtio:connected'),
  /** `{agent, err?}` */
  disconnected: channel('drachtio:disconnected'),
  /** `{agent, req, res}` */
  requestReceived: channel('drachtio:request:received'),
  /** `{agent, req}` */
  requestSent: channel('drachtio:request:sent'),
  /** `{agent, req, res}` */
  responseReceived: channel('drachtio:response:received'),
  /** `{agent, req, res, status}` */
  responseSent: channel('drachtio:response:sent'),
  /** `{agent, req, err}` */
  handlerFailed: channel('drachtio:handler:failed'),
});

module.exports = { CHANNELS };
