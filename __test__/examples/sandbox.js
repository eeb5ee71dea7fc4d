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
});

function onLoopback(app) {
  const connect = app.connect;
  app.connect = (options, ...rest) => {
<<<<<<< HEAD
    const contacts = [options?.contact ?? 'sip:*'].flat().map((contact) => {
      const { uri, ...rest } = typeof contact === 'string' ? { uri: contact } : contact;
      return { uri: `sip:127.0.0.1:0;transport=${uri.includes('tcp') ? 'udp,tcp' : 'udp'}`, ...rest };
    });
    app.on('connect', (err) => console.log(err ? `sandbox: ${err}` : 'sandbox: connected'));
    if (typeof options === 'function') rest.unshift(options);
    const given = typeof options === 'object' ? options : {};
    return connect.call(app, { ...given, contact: contacts }, ...rest);
=======
    app.on('connect', (err) => console.log(err ? `sandbox: ${err}` : 'sandbox: connected'));
    if (typeof options === 'function') rest.unshift(options);
    const given = typeof options === 'object' ? options : {};
    const contacts = [given.contact ?? 'sip:*;transport=udp,tcp'].flat().map(onFreePort);
    return connect.call(app, { ...given, contact: contacts, ...(given.engine && { engine: withCertificate(given.engine) }) }, ...rest);
>>>>>>> 0bbf288 (A guide in ten chapters; every JavaScript block of the docs is run; tests that need openssl say so where it is missing)
  };
  return app;
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
