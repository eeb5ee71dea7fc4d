'use strict';
// Loaded before a program of the README: `require('drachtio')` is this tree, and its contacts are free ports of 127.0.0.1.

const Module = require('node:module');
const path = require('node:path');

const root = path.join(__dirname, '../..');
const load = Module._load;

Module._load = function (request, ...rest) {
  return request === 'drachtio' ? sandboxed : load.call(this, request, ...rest);
};

const drachtio = require(root);

const sandboxed = new Proxy(drachtio, {
  apply: (target, self, args) => onLoopback(Reflect.apply(target, self, args)),
  construct: (target, args) => onLoopback(Reflect.construct(target, args)),
});

function onLoopback(app) {
  const connect = app.connect;
  app.connect = (options, ...rest) => {
    const transports = [options?.contact].flat().some((contact) => contact?.includes('tcp')) ? 'udp,tcp' : 'udp';
    app.on('connect', (err) => console.log(err ? `sandbox: ${err}` : 'sandbox: connected'));
    if (typeof options === 'function') rest.unshift(options);
    const given = typeof options === 'object' ? options : {};
    return connect.call(app, { ...given, contact: `sip:127.0.0.1:0;transport=${transports}` }, ...rest);
  };
  return app;
}
