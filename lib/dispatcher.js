'use strict';

const { SipError, misuse } = require('./errors');
const { Sending } = require('./sending');
const { CHANNELS } = require('./channels');
const { reasonPhrase } = require('./status');

/**
 * @typedef {import('./request').Request} Request
 * @typedef {import('./response').Response} Response
 * @typedef {(err?: unknown) => void} Next
 * @typedef {(req: Request, res: Response, next: Next) => unknown} Handler
 * @typedef {(err: unknown, req: Request, res: Response, next: Next) => unknown} ErrorHandler
 * @typedef {Handler | ErrorHandler} AnyHandler
 * @typedef {{method: string, handle: AnyHandler}} Layer `method` is how the name of a request's method begins, in
 *   any case, or `*`
 */

/** The number of parameters by which a handler of errors is known. */
const ERROR_HANDLER_ARITY = 4;

/** What is under way when an application disconnects fails with this, and that is no failure of a handler's. */
const DISCONNECTED = 'DRT_ERR_DISCONNECTED';

/** An UPDATE that nobody takes fails, and the call goes on: a 404 would end it (RFC 3311 §5.2, RFC 5057 §5.1). */
const TRY_AGAIN = Object.freeze({ headers: Object.freeze({ 'Retry-After': '5' }) });

/**
 * Reads the arguments of `app.use`: handlers, or a method (or several) and then handlers, each in
 * arrays to any depth.
 *
 * @param {unknown[]} args
 * @returns {Layer[]}
 * @throws {TypeError} `DRT_ERR_INVALID_ARGUMENT`
 */
function readLayers(args) {
  const methods = namesMethods(args[0]) ? [args[0]].flat(Infinity) : ['*'];
  const handlers = (namesMethods(args[0]) ? args.slice(1) : args).flat(Infinity);
  if (handlers.length === 0 || !handlers.every((handler) => typeof handler === 'function')) {
    throw misuse('app.use() requires middleware functions', 'DRT_ERR_INVALID_ARGUMENT');
  }
  return methods.flatMap((method) => handlers.map((handle) => ({ method: String(method), handle: /** @type {AnyHandler} */ (handle) })));
}

/** @param {unknown} first */
function namesMethods(first) {
  if (typeof first === 'string') return true;
  return Array.isArray(first) && first.length > 0 && first.flat(Infinity).every((item) => typeof item === 'string');
}

/**
 * Gives a request to the handlers of a stack, one after the other as each calls `next`.
 *
 * @param {readonly Layer[]} stack
 * @param {Request} req
 * @param {Response} res
 * @param {Next} [out] called after the last handler; without it the request gets its default answer
 */
function dispatch(stack, req, res, out) {
  const method = (req.method ?? '').toLowerCase();
  let index = 0;

  /** @type {Next} */
  function next(err) {
    while (index < stack.length && !res.finalResponseSent) {
      const layer = stack[index++];
      if (!covers(layer.method, method) || isErrorHandler(layer.handle) !== Boolean(err)) continue;
      run(layer.handle, err, req, res, next);
      return;
    }
    if (out === undefined) conclude(err, req, res);
    else out(err);
  }

  next();
}

/**
 * @param {string} prefix
 * @param {string} method in lower case
 */
function covers(prefix, method) {
  return prefix === '*' || method.startsWith(prefix.toLowerCase());
}

/**
 * @param {AnyHandler} handler
 * @returns {handler is ErrorHandler}
 */
function isErrorHandler(handler) {
  return handler.length >= ERROR_HANDLER_ARITY;
}

/**
 * Calls a handler. What it throws, or what the promise it returns is rejected with, goes to `next`.
 *
 * @param {AnyHandler} handler
 * @param {unknown} err
 * @param {Request} req
 * @param {Response} res
 * @param {Next} next
 */
function run(handler, err, req, res, next) {
  try {
    const result = isErrorHandler(handler) ? handler(err, req, res, next) : handler(req, res, next);
    if (isThenable(result) && !(result instanceof Sending)) result.then(undefined, (reason) => next(reason || new Error('rejected without a reason')));
  } catch (thrown) {
    next(thrown || new Error('thrown without a reason'));
  }
}

/**
 * @param {unknown} value
 * @returns {value is PromiseLike<unknown>}
 */
function isThenable(value) {
  return typeof value === 'object' && value !== null && typeof (/** @type {{then?: unknown}} */ (value).then) === 'function';
}

/**
 * What becomes of a request that no handler has answered.
 *
 * @param {unknown} err
 * @param {Request} req
 * @param {Response} res
 */
function conclude(err, req, res) {
  if (err && !(err instanceof SipError) && /** @type {{code?: unknown}} */ (err).code !== DISCONNECTED) report(err, req);
  if (res.finalResponseSent || req.proxied) return;
  // Neither is ever answered: an ACK by nature, a CANCEL because the engine has done so.
  if (req.method === 'ACK' || req.method === 'CANCEL') return;
  if (err) res.send(statusOf(err), err instanceof SipError ? err.reason : undefined);
  else if (req.method === 'UPDATE') res.send(500, TRY_AGAIN);
  else res.send(req.method === 'PRACK' ? 200 : 404);
}

/**
 * An error that nobody has handled must be seen by somebody.
 *
 * @param {unknown} err
 * @param {Request} req
 */
function report(err, req) {
  if (CHANNELS.handlerFailed.hasSubscribers) CHANNELS.handlerFailed.publish({ agent: req.agent, req, err });
  console.error(err instanceof Error ? (err.stack ?? err) : err);
}

/**
 * What becomes of a request inside a dialog that no handler has decided on: it passes. One whose handler has failed is
 * answered as any other.
 *
 * @param {unknown} err
 * @param {Request} req
 * @param {Response} res
 */
function letPass(err, req, res) {
  if (err) conclude(err, req, res);
  // It may be over meanwhile, and nobody needs to know.
  else if (!res.finalResponseSent && !req.proxied) req.proxy({ wantsFullResponse: false }, () => {});
}

/**
 * The status to answer with when a handler has failed.
 *
 * @param {unknown} err
 */
function statusOf(err) {
  const { status } = /** @type {{status?: unknown}} */ (err);
  return typeof status === 'number' && status >= 300 && reasonPhrase(status) !== '' ? status : 500;
}

module.exports = { readLayers, dispatch, run, conclude, letPass };
