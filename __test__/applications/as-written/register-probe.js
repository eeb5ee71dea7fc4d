'use strict';
// As an author of 2017 would have written it: registers once, tells how long the registrar took, and ends.

const drachtio = require('drachtio');

function milliseconds(stackTime) {
  const [hours, minutes, seconds] = stackTime.split(':').map(Number);
  return Math.round((hours * 3600 + minutes * 60 + seconds) * 1000);
}

module.exports = function probe(config, done) {
  const app = drachtio();
  app.on('connect', (err) => {
    if (err) return done(err);
    app.request({
      uri: `sip:${config.domain}`,
      method: 'REGISTER',
      headers: {
        From: `<sip:${config.user}@${config.domain}>`,
        To: `<sip:${config.user}@${config.domain}>`,
        Contact: '<sip:probe@localhost>',
        Expires: 30,
        'User-Agent': 'register probe',
      },
      auth: { username: config.user, password: config.password },
    }, (requestErr, req) => {
      if (requestErr) return finish(requestErr);
      let sent = req.stackTime;
      req.on('authenticate', (again) => {
        sent = again.stackTime;
      });
      req.on('response', (res) => {
        finish(null, { status: res.status, took: milliseconds(res.stackTime) - milliseconds(sent), from: `${res.source_address}:${res.source_port}` });
      });
    });
  });
  app.connect(config.connect);

  function finish(err, result) {
    app.on('close', () => done(err, result));
    app.disconnect();
  }
};
