'use strict';
// Programs of others as the far end of a test: started in a folder of their own, read, and ended.

const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const { mkdirSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { after, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

/** The programs that the tests use, and the Debian package of each. */
const PACKAGES = { sipp: 'sip-tester', baresip: 'baresip-core', kamailio: 'kamailio', chromium: 'chromium', openssl: 'openssl' };

/**
 * A test that needs programs, and says so where one is missing.
 *
 * @param {(keyof typeof PACKAGES)[]} programs
 * @param {string} name
 * @param {() => Promise<void>} fn
 */
function peerTest(programs, name, fn) {
  const missing = programs.find((program) => !isInstalled(program));
  const skip = missing ? `${missing} is not installed (Debian: apt-get install ${PACKAGES[missing]})` : false;
  test(name, { skip, timeout: 60_000 }, fn);
}

/** @type {Map<string, boolean>} */
const installed = new Map();

function isInstalled(program) {
  const known = installed.get(program) ?? !spawnSync('sh', ['-c', `command -v ${program}`]).status;
  installed.set(program, known);
  return known;
}

/** What is to be ended when the tests of a file are over, however they went. */
const running = new Set();
after(async () => {
  await Promise.all([...running].map((peer) => peer.stop()));
});
process.on('exit', () => {
  for (const { child } of running) signalGroup(child, 'SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/**
 * @typedef {object} Peer
 * @property {import('node:child_process').ChildProcess} child
 * @property {string} folder          its working folder, removed when it has ended
 * @property {() => string} output    what it has printed
 * @property {Promise<void>} exited
 * @property {() => Promise<void>} stop asks it to end, and ends it if it does not
 */

/**
 * Starts a program.
 *
 * @param {string} program
 * @param {object} options
 * @param {(folder: string) => string[]} options.args
 * @param {Record<string, string>} [options.files] what its folder holds; a name that ends in `/` is a folder
 * @param {import('node:child_process').StdioOptions} [options.stdio]
 * @returns {Peer}
 */
function startPeer(program, { args, files = {}, stdio = ['ignore', 'pipe', 'pipe'] }) {
  const folder = mkdtempSync(path.join(tmpdir(), `${program}-`));
  for (const [name, text] of Object.entries(files)) {
    if (name.endsWith('/')) mkdirSync(path.join(folder, name));
    else writeFileSync(path.join(folder, name), text);
  }
  // A group of its own, so that the processes which it starts itself can be ended with it.
  const child = spawn(program, args(folder), { cwd: folder, stdio, detached: true, env: { ...process.env, HOME: folder } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
  // Not `close`: processes that it has started itself may hold its pipes open.
  const exited = once(child, 'exit').then(
    () => end(),
    (err) => {
      output += err;
      end();
    },
  );
  const end = () => {
    running.delete(peer);
    signalGroup(child, 'SIGKILL');
    for (const stream of child.stdio) stream?.destroy();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const stop = async () => {
    signalGroup(child, 'SIGTERM');
    const patience = setTimeout(() => signalGroup(child, 'SIGKILL'), 3000);
    await exited;
    clearTimeout(patience);
  };
  const peer = { child, folder, output: () => output, exited, stop };
  running.add(peer);
  return peer;
}

function signalGroup({ pid }, signal) {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (err) {
    if (err.code !== 'ESRCH') throw err;
  }
}

/**
 * Waits until `condition` gives something, and returns it.
 *
 * @template T
 * @param {string} what     what is waited for
 * @param {() => T | Promise<T>} condition
 * @param {() => string} [log] what to read when it does not come
 * @param {number} [limit]  in ms
 * @returns {Promise<NonNullable<T>>}
 */
async function waitFor(what, condition, log = () => '', limit = 15_000) {
  const end = Date.now() + limit;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}\n${log()}`);
    await sleep(20);
  }
}

module.exports = { peerTest, startPeer, waitFor };
