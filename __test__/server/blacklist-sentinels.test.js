'use strict';
// A blacklist in a redis that sentinels know.

const test = require('node:test');
const assert = require('node:assert/strict');
const { Blacklist } = require('../../lib/serve/blacklist');
const { redis, sentinel } = require('./support/redis');

const TIME = { timeout: 30_000 };

/** A blacklist that is read often; what it has said, and waiting for something of that. */
function blacklist(t, { sentinels, ...more }) {
  const heard = [];
  let wake = () => {};
  const hear = (news) => {
    heard.push(news);
    wake();
  };
  const list = new Blacklist(
    { key: 'bad', port: 6379, sentinels: sentinels.map(({ port }) => `127.0.0.1:${port}`), master: 'mymaster', refreshInterval: 20, ...more },
    (addresses) => hear(addresses.join()),
    (level, text) => level === 'error' && hear(text),
  );
  void list.start();
  t.after(() => list.stop());
  return {
    heard,
    /** Waits until it has said this, after what it has said so far. */
    async says(news) {
      heard.length = 0;
      while (!heard.includes(news)) await new Promise((resolve) => (wake = resolve));
    },
  };
}

const failed = (why) => `blacklist: redis cannot be asked (${why}); what it has said last stays`;

test('a sentinel says where the master is, and the set is read there', TIME, async (t) => {
  const replica = await redis(t, { role: 'slave', members: ['10.0.0.2'] });
  const master = await redis(t, { members: ['10.0.0.1'] });
  const list = blacklist(t, { sentinels: [await sentinel(t, master)] });
  await list.says('10.0.0.1');
  assert.equal(replica.asked, 0);
});

test('after a failover the new master is asked', TIME, async (t) => {
  const old = await redis(t, { members: ['10.0.0.1'] });
  const next = await redis(t, { members: ['10.0.0.2'] });
  const watch = await sentinel(t, old);
  const list = blacklist(t, { sentinels: [watch] });
  await list.says('10.0.0.1');
  old.isOpen = false;
  await list.says(failed('SocketClosedUnexpectedlyError'));
  watch.master = next.port;
  await list.says('10.0.0.2');
});

test('a sentinel that is down, or names the master of before, is passed over', TIME, async (t) => {
  const old = await redis(t, { role: 'slave', members: ['10.0.0.1'] });
  const master = await redis(t, { members: ['10.0.0.2'] });
  const [down, stale, right] = [await sentinel(t, master), await sentinel(t, old), await sentinel(t, master)];
  down.isOpen = false;
  const list = blacklist(t, { sentinels: [down, stale, right] });
  await list.says('10.0.0.2');
  assert.ok(stale.asked > 0);
  assert.equal(old.asked, 0);
  right.isOpen = false;
  await list.says(failed('SocketClosedUnexpectedlyError'));
});

test('the password is for redis, and a wrong one is not quoted', TIME, async (t) => {
  const master = await redis(t, { password: 'hush', members: ['10.0.0.1'] });
  const sentinels = [await sentinel(t, master)];
  await blacklist(t, { sentinels, password: 'hush' }).says('10.0.0.1');
  await blacklist(t, { sentinels, password: 'wrong-one' }).says(failed('WRONGPASS'));
  await blacklist(t, { sentinels }).says(failed('NOAUTH'));
});

test('a name that no sentinel knows is spoken of', TIME, async (t) => {
  const list = blacklist(t, { sentinels: [await sentinel(t, { port: 1 })], master: 'other' });
  await list.says(failed("the sentinels know no 'other'"));
});
