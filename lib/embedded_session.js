'use strict';

const { EngineLink } = require('./engine_link');
const { Session } = require('./session');

/**
 * A session on an engine of this process.
 *
 * @param {import('./agent').Agent} agent
 * @param {(req: import('./request').Request, res: import('./response').Response) => void} handler
 * @param {import('./native').EngineClass} Engine the native class, or one that is used like it
 * @returns {Session<EngineLink>}
 */
function embeddedSession(agent, handler, Engine) {
  return new Session(agent, handler, Engine.headerNames, (session) => new EngineLink(Engine, session));
}

module.exports = { embeddedSession };
