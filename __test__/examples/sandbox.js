'use strict';
// Loaded before a program of the README or of docs: `require('drachtio')` is this tree, and its contacts are free ports of 127.0.0.1.

const Module = require('node:module');
const path = require('node:path');

const root = path.join(__dirname, '../..');
const load = Module._load;

Module._load = function (request, ...rest) {
  if (request === 'drachtio') return sandboxed;
  return load.call(this, request === 'drachtio/testing' ? path.join(root, 'testing.js') : request, ...rest);
};

const drachtio = require(root);

const sandboxed = new Proxy(drachtio, {
  apply: (target, self, args) => onLoopback(Reflect.apply(target, self, args)),
  construct: (target, args) => onLoopback(Reflect.construct(target, args)),
  get: (target, name) => (name === 'serve' ? serveOnLoopback : Reflect.get(target, name)),
});

function onLoopback(app) {
  const connect = app.connect;
  app.connect = (options, ...rest) => {
    app.on('connect', (err) => console.log(err ? `sandbox: ${err}` : 'sandbox: connected'));
    if (typeof options === 'function') rest.unshift(options);
    const given = typeof options === 'object' ? options : {};
    const contact = [given.contact ?? 'sip:*;transport=udp,tcp'].flat().map(onFreePort);
    return connect.call(app, { ...given, contact, ...(given.engine && { engine: withCertificate(given.engine) }) }, ...rest);
  };
  return app;
}

async function serveOnLoopback(options) {
  const server = await drachtio.serve({
    ...options,
    contact: [options.contact ?? 'sip:*;transport=udp,tcp'].flat().map(onFreePort),
    admin: { ...options.admin, host: '127.0.0.1', port: 0 },
  });
  console.log('sandbox: connected');
  return server;
}

function onFreePort(contact) {
  if (typeof contact === 'object') return { ...contact, uri: onFreePort(contact.uri) };
  return `sip:127.0.0.1:0;transport=${/transport=([\w,]+)/.exec(contact)?.[1] ?? 'udp,tcp'}`;
}

/** The files that an example names are not here. */
function withCertificate(engine) {
  if (engine.tls?.certificates === undefined) return engine;
  const { selfSigned } = require('../tls/pki');
  return { ...engine, tls: { ...engine.tls, certificates: [selfSigned()] } };
}
