'use strict';
// drachtio-fsmrf, unmodified, on the server: it connects a caller to a media server and has it play a file.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const Mrf = require('drachtio-fsmrf');
const { startMediaServer } = require('./media_server');
const { SDP, deferred, sdp, settled, station } = require('./support');

test('a caller is connected to a media server, hears a file, and hangs up', { timeout: 30_000 }, async (t) => {
  const media = await startMediaServer(t);
  t.mock.method(console, 'info', () => {});
  const connected = deferred();
  const app = await station(t, 'drachtio-srf', {
    invite: async (req, res) => connected.resolve(await mediaServer.connectCaller(req, res)),
  });
  const mediaServer = await new Mrf(app.srf).connect({ address: '127.0.0.1', port: media.port, listenAddress: '127.0.0.1' });
  t.after(() => mediaServer.disconnect());
  const caller = await station(t);
  const uac = await caller.srf.createUAC(app.uri, { localSdp: SDP });
  assert.equal(uac.remote.sdp, sdp(16_384));
  const { endpoint, dialog } = await connected.promise;
  assert.equal(media.calls[0].remote.sdp, SDP);
  const played = await endpoint.play('silence_stream://1000');
  assert.equal(played.playbackMilliseconds, '1500');
  dialog.on('destroy', () => endpoint.destroy());
  const released = once(endpoint.dialog, 'destroy');
  await uac.destroy();
  await released;
  assert.deepEqual(media.executed, ['playback', 'hangup']);
  await settled(app.server);
  await settled(media.server);
});
