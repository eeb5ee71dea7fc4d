'use strict';
// RFC 6665: drachtio-srf subscribes and notifies through the server.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { deferred, eachVersion, settled, station } = require('./support');

eachVersion('a subscription is made, notified, refreshed and ended', async (t, version) => {
  const subscribed = deferred();
  const notifier = await station(t, version, {
    subscribe: async (req, res) => {
      const dialog = await notifier.srf.createUAS(req, res, { headers: { Expires: '600' } });
      subscribed.resolve(dialog);
    },
  });
  const watcher = await station(t);
  const subscription = await watcher.srf.createUAC(notifier.uri, { method: 'SUBSCRIBE', headers: { Event: 'presence', Expires: '600' } });
  const dialog = await subscribed.promise;
  const heard = once(subscription, 'notify');
  const notified = dialog.request({
    method: 'NOTIFY',
    headers: { Event: 'presence', 'Subscription-State': 'active;expires=600', 'Content-Type': 'text/plain' },
    body: 'here',
  });
  const [req, res] = await heard;
  assert.equal(req.body, 'here');
  res.send(200);
  assert.equal((await notified).status, 200);
  dialog.on('subscribe', (req, res) => res.send(200, { headers: { Expires: '600' } }));
  const refreshed = await subscription.request({ method: 'SUBSCRIBE', headers: { Event: 'presence', Expires: '600' } });
  assert.equal(refreshed.status, 200);
  const unsubscribed = once(dialog, 'unsubscribe');
  await subscription.request({ method: 'SUBSCRIBE', headers: { Event: 'presence', Expires: '0' } });
  await unsubscribed;
  subscription.once('notify', (req, res) => res.send(200));
  await dialog.request({ method: 'NOTIFY', headers: { Event: 'presence', 'Subscription-State': 'terminated;reason=timeout' } });
  await settled(notifier.server);
  await settled(watcher.server);
});
