'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { join } = require('node:path');

const PROGRAM = join(__dirname, '../../../bin/drachtio.js');

/** `npx drachtio` with these arguments; what it prints is collected. */
function drachtio(args, { env = {} } = {}) {
  const child = spawn(process.execPath, [PROGRAM, ...args], { env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env } });
  const printed = { out: '', err: '' };
  child.stdout.on('data', (data) => (printed.out += data));
  child.stderr.on('data', (data) => (printed.err += data));
  /** Waits until something is printed. */
  const says = async (pattern) => {
    for (;;) {
      const match = pattern.exec(printed.out) ?? pattern.exec(printed.err);
      if (match !== null) return match;
      if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode} before it said ${pattern}: ${printed.out}${printed.err}`);
      await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), once(child, 'exit')]);
    }
  };
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal, ...printed }));
  return { child, printed, says, ended };
}

/** A server that runs until the test ends; where it listens. */
async function serve(t, args, options) {
  const server = drachtio(['serve', '--contact', 'sip:127.0.0.1:0;transport=udp,tcp', ...args], options);
  t.after(async () => {
    server.child.kill('SIGKILL');
    await server.ended;
  });
  const [, sip] = await server.says(/^SIP on udp\/([\d.:]+)/m);
  return { ...server, sip };
}

module.exports = { drachtio, serve };
