'use strict';

const { Agent } = require('./lib/agent');
const { App } = require('./lib/app');
const { digestAuth } = require('./lib/digest_auth');
const { DrachtioError, SipError } = require('./lib/errors');
const { parseUri, stringifyUri } = require('./lib/headers/uri');
const { onSend } = require('./lib/on_send');
const { Request } = require('./lib/request');
const { Response } = require('./lib/response');
const { serve } = require('./lib/serve/server');
const { SipMessage } = require('./lib/sip_message');
const { workers } = require('./lib/workers');

/**
 * Makes an application.
 *
 * @param {...unknown} handlers what to `use` at once
 */
function drachtio(...handlers) {
  const app = new App();
  for (const handler of handlers) app.use(handler);
  return app;
}

// In this form `import drachtio, { SipMessage } from 'drachtio'` finds the names, too.
module.exports = drachtio;
module.exports.Agent = Agent;
module.exports.Request = Request;
module.exports.Response = Response;
module.exports.SipMessage = SipMessage;
module.exports.DrachtioError = DrachtioError;
module.exports.SipError = SipError;
module.exports.digestAuth = digestAuth;
module.exports.onSend = onSend;
module.exports.parseUri = parseUri;
module.exports.serve = serve;
module.exports.stringifyUri = stringifyUri;
module.exports.workers = workers;
