'use strict';
// As an author of 2017 would have written it: a proxy between a network of IPv4 and one of IPv6, with an address in each.

const drachtio = require('drachtio');

module.exports = function start(config) {
  const app = drachtio();

  app.on('connect', (err, hostport) => {
    if (err) throw err;
    app.locals.addresses = hostport.split(',').map((one) => {
      const match = one.match(/^(.*)\/(.*):(\d+)$/);
      return { protocol: match[1], host: match[2], port: Number(match[3]) };
    });
    app.emit('ready', app.locals.addresses);
  });
  app.on('reconnecting', (options) => console.error(`connecting again: ${JSON.stringify(options)}`));
  app.on('error', (err) => console.error(err.message));

  app.invite((req, res) => {
    const fromIpv6 = req.source_address.indexOf(':') !== -1;
    req.proxy({
      destination: [fromIpv6 ? `${config.ipv4};transport=udp` : `${config.ipv6};transport=udp`],
      remainInDialog: true,
    }, (err, results) => {
      if (err) return console.error(err);
      app.emit('proxied', fromIpv6 ? 'ipv6' : 'ipv4', results.connected);
    });
  });

  app.connect(config.connect);
  return app;
};
