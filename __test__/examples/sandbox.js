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
    const contacts = [options?.contact ?? 'sip:*'].flat().map((contact) => {
      const { uri, ...rest } = typeof contact === 'string' ? { uri: contact } : contact;
      return { uri: `sip:127.0.0.1:0;transport=${uri.includes('tcp') ? 'udp,tcp' : 'udp'}`, ...rest };
    });
    app.on('connect', (err) => console.log(err ? `sandbox: ${err}` : 'sandbox: connected'));
    if (typeof options === 'function') rest.unshift(options);
    const given = typeof options === 'object' ? options : {};
    return connect.call(app, { ...given, contact: contacts }, ...rest);
  };
  return app;
}
