'use strict';
// As an author of 2018 would have written it: the signalling half of a gateway between a browser's media stack and SIP. It
// relies on the callback of connect, names its methods there in vain, and sends INFO and BYE in its calls.

const drachtio = require('drachtio');

module.exports = function start(config, ready) {
  const app = drachtio();
  let connected = false;
  const calls = {};

  app.use('invite', (req, res) => {
    const offer = req.body;
    if (!connected || offer.indexOf('m=video') === -1) return res.send(488);
    req.on('cancel', () => app.emit('given up', req.get('Call-ID')));
    config.media.answer(offer, (sdp) => {
      res.send(200, { headers: { 'Content-Type': 'application/sdp' }, body: sdp }, (err, msg) => {
        if (err) return app.emit('failed', err);
        calls[msg.headers['call-id']] = res.stackDialogId;
      }, () => app.emit('established', req.msg.headers['call-id']));
    });
  });

  app.use('info', (req, res) => {
    app.emit('info', req.get('Content-Type'), req.body);
    res.send(200);
  });

  app.use('bye', (req, res) => {
    delete calls[req.get('call-id')];
    res.send(200);
    app.emit('ended', req.get('call-id'), JSON.stringify(req).length > 0);
  });

  app.call = function call(uri, sdp, done) {
    app.request({
      uri, method: 'INVITE', headers: { 'Content-Type': 'application/sdp' }, body: sdp,
    }, (err, req) => {
      if (err) return done(err);
      app.dialled = req;
      req.on('response', (res, ack) => {
        if (res.status < 200) return app.emit('progress', res.status, JSON.stringify(res).length > 0);
        ack();
        if (res.status !== 200) return done(new Error(res.reason));
        calls[res.msg.headers['call-id']] = res.stackDialogId;
        done(null, { callId: res.msg.headers['call-id'], sdp: res.body });
      });
    });
  };

  app.hangUpDialling = function hangUpDialling() {
    app.dialled.cancel((err, cancel) => app.emit('cancelled', err, cancel.method));
  };

  app.askForPicture = function askForPicture(callId, done) {
    app.request({
      method: 'INFO',
      stackDialogId: calls[callId],
      headers: { 'Content-Type': 'application/media_control+xml' },
      body: '<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></media_control>',
    }, (err, req) => {
      if (err) return done(err);
      req.on('response', (res) => done(null, res.status));
    });
  };

  app.hangUp = function hangUp(callId, done) {
    app.request({ method: 'BYE', stackDialogId: calls[callId] }, (err, bye) => {
      delete calls[callId];
      if (err) return done(err);
      bye.on('response', (res) => done(null, res.status));
    });
  };

  app.connect(config.connect, (err, hostport) => {
    if (err) throw err;
    connected = true;
    ready(hostport);
  });
  return app;
};
