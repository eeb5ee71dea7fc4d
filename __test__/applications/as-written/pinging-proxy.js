'use strict';
// As an author of 2016 would have written it: a proxy that pings its servers with OPTIONS and sends calls to those that answer,
// one after the other.

const drachtio = require('drachtio');

module.exports = function start(config) {
  const app = drachtio();
  const servers = config.servers.map((uri) => ({ uri, up: false }));
  let next = 0;

  function ping(server) {
    app.request(server.uri, { method: 'OPTIONS', headers: { 'User-Agent': 'pinging proxy' } }, (err, req) => {
      if (err) {
        server.up = false;
        return;
      }
      req.on('response', (res) => {
        server.up = res.status === 200;
        app.emit('ping', server.uri, server.up);
      });
    });
  }

  function pingAll() {
    servers.forEach(ping);
  }

  app.connect(config.connect)
    .on('connect', (err, hostport) => {
      if (err) throw err;
      app.locals.hostport = hostport;
    })
    .on('error', (err) => console.error(`connection: ${err}`));

  // The engine is not ready yet; these wait until it is.
  pingAll();
  const timer = setInterval(pingAll, config.interval);

  app.use((req, res, next_) => {
    app.locals.seen = (app.locals.seen || 0) + 1;
    if (config.denied.indexOf(req.source_address) !== -1) return res.send(403);
    next_();
  });

  app.invite((req, res) => {
    const alive = servers.filter((server) => server.up);
    if (alive.length === 0) return res.send(503, 'No server is up');
    const first = next++ % alive.length;
    const destination = alive.slice(first).concat(alive.slice(0, first)).map((server) => server.uri);
    req.proxy({ destination, remainInDialog: true, provisionalTimeout: '1s', finalTimeout: '18s', followRedirects: true }, (err, results) => {
      if (err) return console.error(`proxy: ${err}`);
      app.emit('proxied', results.finalStatus, results.responses.length);
    });
  });

  app.use((err, req, res, next_) => {
    res.send(500, { headers: { 'X-Error': err.message } });
  });

  app.stop = function stop() {
    clearInterval(timer);
    app.disconnect();
  };
  return app;
};
