// Kamailio as the proxy under load: what the application is measured beside.

import { spawn, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../scripts/tools.mjs';

const require = createRequire(import.meta.url);
const { freePort } = require('../__test__/sipp/free_port.js');
const { request } = require('../__test__/sipp/wire.js');

/** How long Kamailio may take to its first answer, in ms. */
const START = 20_000;

/** Ticks of the processor time in /proc, per second. */
const TICKS = 100;

/** Why there is no Kamailio to measure; undefined where there is one. Its CPU time is read from Linux's /proc. */
export function whyNoKamailio() {
  if (!existsSync('/proc/self/stat')) return 'its CPU time can be read on Linux only';
  const { error, stdout } = spawnSync('kamailio', ['-v'], { encoding: 'utf8' });
  if (error) return 'it is not installed (Debian: apt-get install kamailio)';
  return /kamailio 5\.|kamailio [6-9]\./.test(stdout) ? undefined : 'a Kamailio of version 5 or later is needed';
}

/** Its version, as in `5.6.3`. */
export function kamailioVersion() {
  return /version: kamailio (\S+)/.exec(spawnSync('kamailio', ['-v'], { encoding: 'utf8' }).stdout)?.[1] ?? 'of an unknown version';
}

/**
 * Starts Kamailio with `apps/kamailio.cfg`. Resolves to what `measure` takes.
 *
 * @returns {Promise<{ target: string, transport: string, cpu: () => Promise<number>, stop: () => Promise<void> }>}
 */
export async function startKamailio() {
  const port = await freePort();
  const target = `127.0.0.1:${port}`;
  const folder = mkdtempSync(join(tmpdir(), 'kamailio-bench-'));
  const config = readFileSync(join(root, 'bench', 'apps', 'kamailio.cfg'), 'utf8');
  writeFileSync(join(folder, 'kamailio.cfg'), config.replaceAll('{{address}}', target));
  const args = ['-DD', '-E', '-m', '1024', '-M', '64', '-f', 'kamailio.cfg', '-Y', folder, '-w', folder];
  // A group of its own: Kamailio is several processes.
  const child = spawn('kamailio', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const log = [];
  child.stderr.on('data', (chunk) => log.push(chunk));
  const stop = async () => {
    if (child.exitCode === null) {
      process.kill(-child.pid, 'SIGKILL');
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await answering(port, child, log);
  } catch (err) {
    await stop();
    throw err;
  }
  return { target, transport: 'udp', cpu: () => Promise.resolve(cpuOfGroup(child.pid)), stop };
}

async function answering(port, child, log) {
  for (const end = Date.now() + START; Date.now() < end; ) {
    if (child.exitCode !== null) break;
    const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    const heard = once(socket, 'message').then(() => true);
    // It may not go any further, so it is answered here.
    socket.send(request({ headers: { 'Max-Forwards': '0' } }), port, '127.0.0.1');
    const isUp = await Promise.race([heard, sleep(200, false)]);
    socket.close();
    if (isUp) return;
  }
  throw new Error(`Kamailio does not answer\n${Buffer.concat(log)}`);
}

/** The CPU time of the processes of a group, user and system, in µs. */
function cpuOfGroup(group) {
  let ticks = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = statOf(pid);
    // After the name, which may hold blanks: state, parent, group, … and as the 12th and 13th the times (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(fields[2]) === group) ticks += Number(fields[11]) + Number(fields[12]);
  }
  return (ticks / TICKS) * 1e6;
}

function statOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return ''; // It has ended.
  }
}
