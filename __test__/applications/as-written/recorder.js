'use strict';
// As an author of 2017 would have written it: a SIPREC recording server. The INVITE of a recording client has the SDP of both
// parties and metadata about them in a multipart body; each party becomes a call of its own to a media server.

const drachtio = require('drachtio');

/** The SDP of one `m=` section, with the part before the first. */
function legs(sdp) {
  const [session, ...media] = sdp.split(/(?=^m=)/m);
  return media.map((section) => session + section);
}

module.exports = function start(config) {
  const app = drachtio();
  const recordings = {};

  app.invite((req, res, next) => {
    const contentType = req.get('Content-Type') || '';
    if (contentType.indexOf('multipart/mixed') !== 0) return res.send(488, 'This is a recorder');
    const parts = req.payload;
    const sdp = parts.filter((part) => part.type === 'application/sdp')[0];
    const metadata = parts.filter((part) => /rs-metadata/.test(part.type))[0];
    if (!sdp || !metadata) return res.send(400);

    const [first, second] = legs(sdp.content);
    const names = metadata.content.match(/aor="([^"]+)"/g).map((text) => text.slice(5, -1));
    record(first, names[0], (err, one) => {
      if (err) return next(err);
      record(second, names[1], (secondErr, other) => {
        if (secondErr) return next(secondErr);
        res.send(200, {
          headers: { 'Content-Type': 'application/sdp' },
          body: one.sdp + legs(other.sdp)[0].slice(legs(other.sdp)[0].indexOf('m=')),
        }, (sendErr) => {
          if (sendErr) return console.error(sendErr);
          recordings[res.stackDialogId] = [one, other];
          app.emit('recording', names);
        });
      });
    });
  });

  app.bye((req, res) => {
    res.send(200);
    (recordings[req.stackDialogId] || []).forEach((leg) => {
      app.request({ method: 'BYE', stackDialogId: leg.dialog }, () => {});
    });
    delete recordings[req.stackDialogId];
    app.emit('recorded', Object.keys(recordings).length);
  });

  function record(sdp, name, done) {
    app.request({
      uri: config.mediaServer,
      method: 'INVITE',
      headers: { From: `<${name}>`, 'X-Recorded': name, 'Content-Type': 'application/sdp' },
      body: sdp,
    }, (err, req) => {
      if (err) return done(err);
      req.on('response', (res, ack) => {
        if (res.status < 200) return;
        ack();
        if (res.status !== 200) return done(Object.assign(new Error('not recorded'), { status: 480 }));
        done(null, { dialog: res.stackDialogId, sdp: res.body });
      });
    });
  }

  app.use((err, req, res, next) => res.send(err.status || 500));
  app.connect(config.connect);
  return app;
};
