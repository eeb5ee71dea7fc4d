'use strict';
// An application as one would write it. It does not know where its SIP engine is: same-application.test.js runs it in four ways.

const { digestAuth } = require('../..');

const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=grüße\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';

/** What is done with a call, by the number that is called. */
const NUMBERS = {
  busy: (app, req, res) => res.send(486, 'Not Now', { headers: { 'X-Why': 'busy' } }),

  /** Takes the call, and asks its peer something when it is up. */
  answer(app, req, res) {
    res.send(180);
    res.send(200, { body: SDP }, undefined, async () => {
      const info = await app.request({ method: 'INFO', stackDialogId: res.stackDialogId, headers: { 'X-Question': 'how?' } });
      info.on('response', (answer) => app.emit('told', `INFO ${answer.status}`));
    });
  },

  /** Takes the call, and hangs up when it is up. */
  hangUp(app, req, res) {
    res.send(200, { body: SDP }, undefined, async () => {
      const bye = await app.request({ method: 'BYE', stackDialogId: res.stackDialogId });
      bye.on('response', (answer) => app.emit('told', `BYE ${answer.status}`));
    });
  },

  /** Lets it ring until the caller gives up. */
  ring(app, req, res) {
    req.on('cancel', () => app.emit('told', 'cancelled'));
    res.send(180);
  },

  async proxy(app, req) {
    const results = await req.proxy({ destination: req.get('X-To'), remainInDialog: true, headers: { 'X-By': 'proxy' } });
    app.emit('told', `proxied ${results.finalStatus} ${results.connected}`);
  },

  /** Calls somebody else, and gives the caller what that one says. */
  async bridge(app, req, res) {
    const other = await app.request(req.get('X-To'), { method: 'INVITE', headers: { From: '<sip:bridge@localhost>' }, body: req.body });
    other.on('response', (answer, ack) => {
      if (answer.status < 200) return;
      if (answer.status < 300) ack();
      res.send(answer.status, { body: answer.body });
    });
  },

  /** Asks for what the engine refuses. */
  async refused(app, req, res) {
    const err = await app.request({ method: 'INFO', stackDialogId: 'nobody;from-tag=1' }).catch((reason) => reason);
    res.send(480, { headers: { 'X-Why': err.code } });
  },
};

/** @param {any} app */
module.exports = (app) => {
  app.options((req, res) => res.send(200, { headers: { 'X-Came': `${req.source} ${req.protocol} ${req.source_address}` } }));
  app.message((req, res) => res.send(200, { headers: { 'Content-Type': 'text/plain' }, body: `${req.body}!` }));
  app.register(digestAuth({ realm: 'example', passwords: { alice: 'secret' } }), (req, res) => {
    res.send(200, { headers: { 'X-User': req.authorization.username } });
  });
  app.invite((req, res) => NUMBERS[req.calledNumber](app, req, res));
  app.bye((req, res) => {
    res.send(200);
    app.emit('told', 'BYE');
  });
  app.info((req, res) => res.send(200, { headers: { 'X-Answer': 'well' } }));
};
