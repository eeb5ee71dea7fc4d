'use strict';
// Runs SIPp as the far end of a test, in bounded time, and tells what it saw.

const { spawn, spawnSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { after, test } = require('node:test');

const missing = spawnSync('sipp', ['-v']).error ? 'SIPp is not installed (Debian: apt-get install sip-tester)' : false;

/** A test that needs SIPp, and says so where there is none. */
function sippTest(name, fn) {
  test(name, { skip: missing, timeout: 180_000 }, fn);
}

const running = new Set();
after(() => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * @typedef {object} Outcome
 * @property {boolean} ok            every call went as the scenario says
 * @property {number} successful     calls
 * @property {number} failed         calls
 * @property {number} retransmissions messages that SIPp had to send again
 * @property {Message[]} messages    in order, when the scenario ran with `messages: true` (the default)
 * @property {string} log            what to read when a test fails
 *
 * @typedef {object} Message
 * @property {'sent' | 'received'} direction
 * @property {string} start          its first line
 * @property {string} text
 */

/**
 * Starts SIPp.
 *
 * @param {object} options
 * @param {string} options.scenario   the name of a file in `scenarios`, or of a scenario within SIPp, such as `-uac`
 * @param {number} options.port       SIPp's own port on 127.0.0.1
 * @param {string} [options.target]   `host:port`, for a scenario that begins with a request
 * @param {'udp' | 'tcp'} [options.transport]
 * @param {number} [options.calls]    how many, 1 by default
 * @param {number} [options.rate]     calls per second
 * @param {number} [options.seconds]  its time limit, 20 s by default
 * @param {boolean} [options.messages] whether to keep the messages
 * @param {Record<string, string | number>} [options.values] replaces each `{{name}}` in the scenario
 * @param {Record<string, string | number>} [options.keywords] stand for SIPp's own `[name]` in the scenario
 * @param {string[]} [options.media]   lines of the SDP, in place of the scenario's own "m=" line
 * @param {string[]} [options.args]   anything else
 * @returns {{ finished: Promise<Outcome>, stop: () => void }}
 */
function sipp(options) {
  const { transport = 'udp', calls = 1, rate = 10, seconds = 20, messages = true, args = [] } = options;
  const folder = mkdtempSync(path.join(tmpdir(), 'sipp-'));
  const file = (name) => path.join(folder, name);
  const child = spawn(
    'sipp',
    [
      ...(options.target ? [options.target] : []),
      ...scenarioArgs(options, file('scenario.xml')),
      ...['-i', '127.0.0.1', '-p', options.port, '-t', transport === 'udp' ? 'u1' : 't1'],
      ...['-m', calls, '-r', rate, '-l', Math.max(calls, 10)],
      ...['-nostdin', '-timeout', `${seconds}s`, '-timeout_error', '-skip_rlimit'],
      ...['-trace_err', '-error_file', file('errors')],
      ...['-trace_stat', '-stf', file('statistics'), '-fd', '1'],
      ...(messages ? ['-trace_msg', '-message_file', file('messages')] : []),
      ...args,
    ].map(String),
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TERM: 'dumb' } },
  );
  running.add(child);
  const stderr = [];
  child.stderr.on('data', (chunk) => stderr.push(chunk));
  // SIPp is told its limit; this one is for a SIPp that does not keep it.
  const limit = setTimeout(() => child.kill('SIGKILL'), (seconds + 15) * 1000);

  const finished = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      running.delete(child);
      const read = (name) => readText(file(name));
      const statistics = parseStatistics(read('statistics'));
      const log = [
        `${options.scenario}: SIPp ended with ${signal ?? code}`,
        JSON.stringify(statistics),
        Buffer.concat(stderr).toString().trim(),
        read('errors').trim().slice(0, 6000),
        read('messages').slice(0, 20_000),
      ].join('\n');
      const seen = parseMessages(read('messages'));
      rmSync(folder, { recursive: true, force: true });
      resolve({ ok: code === 0, ...statistics, messages: seen, log });
    });
  });
  return { finished, stop: () => child.kill('SIGKILL') };
}

function scenarioArgs({ scenario, values = {}, keywords = {}, media = [] }, copy) {
  if (scenario.startsWith('-')) return ['-sn', scenario.slice(1)];
  const text = readFileSync(path.join(__dirname, 'scenarios', `${scenario}.xml`), 'utf8');
  const filled = text.replaceAll(/\{\{(\w+)\}\}/g, (_, name) => {
    if (!(name in values)) throw new Error(`the scenario ${scenario} needs a value for ${name}`);
    return String(values[name]);
  });
  const reworded = filled.replaceAll(/\[(\w+)\]/g, (keyword, name) => String(keywords[name] ?? keyword));
  writeFileSync(copy, media.length > 0 ? reworded.replaceAll(/^( *)m=audio .*$/gm, (_, margin) => media.map((line) => margin + line).join('\n')) : reworded);
  return ['-sf', copy];
}

/** The last line of SIPp's statistics file has the totals; the first has the names. */
function parseStatistics(text) {
  const lines = text.trim().split('\n');
  const names = lines[0].split(';');
  const last = lines[lines.length - 1].split(';');
  const total = (name) => Number(last[names.indexOf(`${name}(C)`)] ?? NaN);
  return {
    successful: total('SuccessfulCall'),
    failed: total('FailedCall'),
    retransmissions: total('Retransmissions'),
  };
}

function parseMessages(text) {
  return text
    .split(/^-{20,}.*$/m)
    .map((part) => /^\s*(?:UDP|TCP) message (sent|received).*?:\s*\n\s*\n([^]*)$/.exec(part))
    .filter(Boolean)
    .map(([, direction, text]) => ({ direction, text, start: text.slice(0, text.search(/\r?\n/)) }));
}

function readText(name) {
  try {
    return readFileSync(name, 'latin1');
  } catch {
    return '';
  }
}

module.exports = { sipp, sippMissing: missing, sippTest };
