'use strict';
// Loaded before a program of the README or of docs: `require('drachtio')` is this tree, its contacts are free ports of 127.0.0.1, and the
// drachtio-server that it connects to is one of this package, started for it.

const Module = require('node:module');
const path = require('node:path');
const { isMainThread } = require('node:worker_threads');

const root = path.join(__dirname, '../..');
const load = Module._load;

Module._load = function (request, ...rest) {
  if (request === 'drachtio') return sandboxed;
  if (request === 'drachtio-srf') return load.call(this, require.resolve(request), ...rest);
  return load.call(this, request === 'drachtio/testing' ? path.join(root, 'testing.js') : request, ...rest);
};

const drachtio = require(root);
const { loadAddon, loadEngine } = require(path.join(root, 'lib/native'));

const sandboxed = new Proxy(drachtio, {
  apply: (target, self, args) => onLoopback(Reflect.apply(target, self, args)),
  construct: (target, args) => onLoopback(Reflect.construct(target, args)),
  get: (target, name) => (name === 'serve' ? serveOnLoopback : Reflect.get(target, name)),
});

/** Starts a server, and connects to it when it is there. */
async function toServer(connectTo, secret) {
  const server = await drachtio.serve({ contact: 'sip:127.0.0.1:0', admin: { host: '127.0.0.1', port: 0, secret } });
  connectTo(Number(server.adminHostports[0].split(':').pop()));
}

function onLoopback(app) {
  const connect = app.connect;
  const listen = app.listen;
  app.listen = (options, ...rest) => {
    app.on('listening', () => console.log('sandbox: connected'));
    return listen.call(app, { ...options, host: '127.0.0.1', port: 0 }, ...rest);
  };
  app.connect = (options, ...rest) => {
    // In a world of drachtio/testing there are all addresses.
    if (loadEngine() !== loadAddon().Engine) return connect.call(app, options, ...rest);
    if (options?.host !== undefined || options?.port !== undefined) {
      app.on('connect', (err) => console.log(err ? `sandbox: ${err}` : 'sandbox: connected'));
      void toServer((port) => connect.call(app, { ...options, host: '127.0.0.1', port }, ...rest), options.secret);
      return app;
    }
    app.on('connect', (err) => console.log(err ? `sandbox: ${err}` : 'sandbox: connected'));
    // It shares the engine of the main thread.
    if (!isMainThread) return connect.call(app, options, ...rest);
    if (typeof options === 'function') rest.unshift(options);
    const given = typeof options === 'object' ? options : {};
    const contact = [given.contact ?? 'sip:*;transport=udp,tcp'].flat().map(onFreePort);
    const engine = given.engine && { engine: withCertificate(given.engine) };
    const observe = given.observe && { observe: inFolder(given.observe) };
    return connect.call(app, { ...given, contact, ...engine, ...observe }, ...rest);
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

/** What an example writes goes into the folder that it runs in, and what it listens on is a free port. */
function inFolder({ metrics, log, pcap, cdr, ...observe }) {
  const here = (file) => ({ ...file, path: path.basename(file.path) });
  return {
    ...observe,
    ...(metrics && { metrics: { ...metrics, port: 0 } }),
    ...(log && { log: { ...log, ...(log.file && { file: here(log.file) }) } }),
    ...(pcap && { pcap: here(pcap) }),
    ...(cdr && { cdr: here(cdr) }),
  };
}

/** The files that an example names are not here. */
function withCertificate(engine) {
  if (engine.tls?.certificates === undefined) return engine;
  const { selfSigned } = require('../tls/pki');
  return { ...engine, tls: { ...engine.tls, certificates: [selfSigned()] } };
}
