'use strict';
// As an author of 2018 would have written it: stays registered, and says that it is busy.

const drachtio = require('drachtio');

module.exports = function start(config) {
  const app = drachtio();
  let timer;
  let headers = {};

  function register() {
    app.request(`sip:${config.domain}`, {
      method: 'REGISTER',
      headers: Object.assign({
        From: `<sip:${config.user}@${config.domain}>`,
        To: `<sip:${config.user}@${config.domain}>`,
        Contact: `<sip:${config.user}@${app.get('hostport').split(',')[0].split('/')[1]}>;expires=60`,
      }, headers),
      auth: (req, res, callback) => callback(null, config.user, config.password),
    }, (err, req) => {
      if (err) return app.emit('not registered', err);
      // The same registration goes on: one Call-ID, and numbers that rise.
      headers = { 'Call-ID': req.get('Call-ID') };
      req.on('response', (res) => {
        if (res.status !== 200) return app.emit('not registered', res.status);
        const granted = /expires=(\d+)/.exec(res.msg.headers.contact);
        const contact = res.getParsedHeader('Contact');
        const seconds = granted ? Number(granted[1]) : Number(contact.params.expires);
        headers.CSeq = `${res.getParsedHeader('CSeq').seq + 1} REGISTER`;
        app.emit('registered', seconds, res.get('Call-ID'), res.getParsedHeader('CSeq').seq);
        timer = setTimeout(register, seconds * config.tick / 2);
      });
    });
  }

  app.invite((req, res) => {
    res.send(486, 'I am a bot');
  });
  app.options((req, res) => res.send(200));

  app.connect(config.connect);
  app.on('connect', register);
  app.stop = function stop() {
    clearTimeout(timer);
    app.disconnect();
  };
  return app;
};
