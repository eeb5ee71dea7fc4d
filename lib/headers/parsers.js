'use strict';

const { parseAuth, parseAuthInfo } = require('./auth');
const { parseContact, parseNameAddr, parseNameAddrs } = require('./name_addr');
const { parseUri } = require('./uri');
const { parseVias } = require('./via');

/**
 * What `getParsedHeader` makes of each header; of one that is not here it makes nothing but the
 * text.
 *
 * @type {ReadonlyMap<string, (text: string) => unknown>}
 */
const PARSERS = new Map(
  /** @type {[string, (text: string) => unknown][]} */ ([
    ['via', parseVias],
    ['from', parseNameAddr],
    ['to', parseNameAddr],
    ['contact', parseContact],
    ['route', parseRoutes],
    ['record-route', parseRoutes],
    ['path', parseRoutes],
    ['cseq', parseCSeq],
    ['content-length', parseNumber],
    ['refer-to', parseNameAddr],
    ['referred-by', parseNameAddr],
    ['p-asserted-identity', parseNameAddr],
    ['remote-party-id', parseNameAddr],
    ['www-authenticate', parseAuth],
    ['proxy-authenticate', parseAuth],
    ['authorization', parseAuth],
    ['proxy-authorization', parseAuth],
    ['authentication-info', parseAuthInfo],
  ]),
);

/**
 * Route, Record-Route and Path (RFC 3261 §20.34): addresses whose URIs are parsed.
 *
 * @param {string} text
 */
function parseRoutes(text) {
  return parseNameAddrs(text).map((route) => ({ ...route, uri: parseUri(route.uri) }));
}

/** @param {string} text */
function parseCSeq(text) {
  const value = text.trim();
  const blank = value.search(/\s/);
  return { seq: parseNumber(blank === -1 ? value : value.slice(0, blank)), method: blank === -1 ? '' : value.slice(blank).trim() };
}

/** @param {string} text */
function parseNumber(text) {
  const digits = text.trim();
  return /^\d+$/.test(digits) ? Number(digits) : NaN;
}

module.exports = { PARSERS };
