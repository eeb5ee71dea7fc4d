'use strict';

/**
 * What passport expects of a request: express has these methods from a module of passport's own,
 * which patches `http.IncomingMessage` and so does not reach a SIP request.
 *
 * @typedef {object} PassportState
 * @property {{_userProperty?: string, serializeUser: (user: unknown, req: unknown, done: (err: unknown, obj?: unknown) => void) => void}} [instance]
 * @property {{user?: unknown}} [session]
 *
 * @typedef {Record<string, unknown> & {_passport?: PassportState}} Passportable
 */

/** @type {Record<string, unknown> & ThisType<Passportable>} */
const passportMethods = {
  /**
   * Makes `user` the user of this request, and of the session unless that is declined.
   *
   * @param {unknown} user
   * @param {{session?: boolean} | ((err?: unknown) => void)} [options]
   * @param {(err?: unknown) => void} [done]
   */
  logIn(user, options, done) {
    const finished = typeof options === 'function' ? options : done;
    const withSession = typeof options === 'object' ? options.session !== false : true;
    const property = userProperty(this);
    this[property] = user;
    if (!withSession) {
      finished?.();
      return;
    }
    const passport = this._passport;
    if (passport?.instance === undefined) throw new Error('passport.initialize() middleware not in use');
    if (finished === undefined) throw new Error('req#login requires a callback function');
    passport.instance.serializeUser(user, this, (err, serialized) => {
      if (err) {
        this[property] = null;
        finished(err);
        return;
      }
      passport.session ??= {};
      passport.session.user = serialized;
      finished();
    });
  },

  /** Takes the user off this request and its session. */
  logOut() {
    this[userProperty(this)] = null;
    if (this._passport?.session) delete this._passport.session.user;
  },

  /** @returns {boolean} */
  isAuthenticated() {
    return Boolean(this[userProperty(this)]);
  },

  /** @returns {boolean} */
  isUnauthenticated() {
    return !this[userProperty(this)];
  },
};

/** @param {Passportable} req */
function userProperty(req) {
  return req._passport?.instance?._userProperty ?? 'user';
}

module.exports = { passportMethods };
