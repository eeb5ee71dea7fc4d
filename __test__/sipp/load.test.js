'use strict';
// SIPp's own caller against an application that answers: ten thousand calls at 500 a second, and two thousand at once.

const assert = require('node:assert/strict');
const { sipp, sippTest } = require('./sipp');
const { freePort, startApp, whatIsLeft } = require('./app');
const { witness } = require('./witness');

// SIPp reads in turns with everything else that it does, and its socket holds 64 kB unless it is told another size: at these
// rates the answers of some 50 ms. What the kernel then drops, SIPp sends again.
const ROOM = ['-buff_size', 4 << 20];

/** A machine that stood still for longer has made SIPp send again by itself: 500 ms is its T1. */
const STOOD_STILL = 200;
const ATTEMPTS = 3;

const SDP = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 40000 RTP/AVP 0', ''].join('\r\n');

const applications = [];

for (const transport of ['udp', 'tcp']) {
  sippTest(`10,000 calls at 500/s over ${transport}: none fails, nothing is sent twice`, async () => {
    await loaded(transport, { calls: 10_000, args: ['-d', '0'] });
  });

  sippTest(`2,000 calls held at once over ${transport}: none fails, nothing is sent twice`, async () => {
    const most = await loaded(transport, { calls: 2_000, args: ['-d', '7000'] });
    assert.equal(most, 2_000, 'calls that were up at the same time');
  });
}

// Over UDP a finished transaction waits out 32 s (timers J and L): all of them together here, not each load for itself.
sippTest('afterwards every engine table is empty', async () => {
  for (const { app, stop } of applications) {
    assert.deepEqual(await whatIsLeft(app), {}, 'engine tables that are not empty');
    await stop();
  }
});

/**
 * Offers the load, checks what became of it, and returns how many calls were up at the same time. When something was sent
 * twice while the machine stood still, nothing is known about the application, and the load is offered again.
 */
async function loaded(transport, load) {
  for (let attempt = 1; ; attempt++) {
    const stop = witness();
    const { most, retransmissions } = await offer(transport, load);
    const still = await stop();
    if (retransmissions === 0) return most;
    const seen = `${retransmissions} messages sent again; the machine stood still for ${Math.round(still)} ms at most`;
    assert.ok(still > STOOD_STILL && attempt < ATTEMPTS, seen);
    console.error(`${seen}: offering the load again`);
  }
}

async function offer(transport, { calls, args }) {
  let [up, most, ended] = [0, 0, 0];
  const uas = await startApp((app) => {
    app.invite((req, res) => {
      most = Math.max(most, ++up);
      res.send(200, { headers: { 'Content-Type': 'application/sdp' }, body: SDP });
    });
    app.bye((req, res) => {
      up -= 1;
      ended += 1;
      res.send(200);
    });
  });
  applications.push(uas);
  const port = await freePort();
  const limits = { calls, rate: 500, seconds: 60, messages: false };
  const caller = sipp({ scenario: '-uac', target: uas.address, port, transport, args: [...ROOM, ...args], ...limits });
  const outcome = await caller.finished;

  assert.ok(outcome.ok, outcome.log);
  assert.equal(outcome.successful, calls, outcome.log);
  assert.equal(ended, calls, 'calls whose BYE the application saw');
  assert.equal(uas.app.idle, true);
  return { most, retransmissions: outcome.retransmissions };
}
