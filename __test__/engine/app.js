'use strict';
// Applications on the real engine, on a port that the system chooses.

const drachtio = require('../..');

/**
 * Starts an application on UDP and TCP of a free port of 127.0.0.1, and stops it after the test.
 *
 * @param {import('node:test').TestContext} t
 * @param {(app: any) => void} configure adds its handlers
 * @param {object} [engine] options of the engine
 * @returns {Promise<{app: any, port: number}>}
 */
async function startApp(t, configure, engine = {}) {
  const app = drachtio();
  configure(app);
  // A port that UDP has may be another's in TCP.
  for (let attempts = 0; ; attempts++) {
    try {
      const hostport = await connect(app, { contact: 'sip:127.0.0.1:0;transport=udp', engine });
      const port = Number(hostport.split(':').pop());
      await app.disconnect();
      await connect(app, { contact: `sip:127.0.0.1:${port};transport=udp,tcp`, engine });
      t.after(() => app.disconnect());
      return { app, port };
    } catch (err) {
      if (err.code !== 'EADDRINUSE' || attempts === 10) throw err;
    }
  }
}

function connect(app, options) {
  return new Promise((resolve, reject) => {
    app.connect(options, (err, hostport) => (err ? reject(err) : resolve(hostport)));
  });
}

module.exports = { connect, startApp };
