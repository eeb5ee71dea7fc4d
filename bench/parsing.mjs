// The cost of parsing, here and in drachtio-srf 5, over the same messages.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { filesUnder, root, run } from '../scripts/tools.mjs';

const require = createRequire(import.meta.url);
const ROUND = 4;
const ROUNDS = 50;

/** The headers that `bench/parse` reads as values. */
const CORE = ['via', 'from', 'to', 'call-id', 'cseq', 'contact', 'max-forwards'];

export async function parsing() {
  const files = filesUnder('bench/messages', '.sip');
  const binary = join(root, 'target', 'bench', 'release', 'parse');
  const output = await run(binary, files, { stdio: ['ignore', 'pipe', 'inherit'] });
  const rows = output.trim().split('\n').map((line) => JSON.parse(line));
  rows.sort((a, b) => a.bytes - b.bytes);
  return rows.map(({ name, bytes, index, typed }) => {
    const text = readFileSync(join(root, 'bench', 'messages', `${name}.sip`), 'latin1');
    const other = ofDrachtioSrf(text);
    return { message: name, bytes, index, typed, 'drachtio-srf 5': Math.round(other), times: Math.round(other / typed) };
  });
}

/** Nanoseconds for the same work there, in the best of several rounds. */
function ofDrachtioSrf(text) {
  const { SipMessage } = require('drachtio-srf');
  const task = () => {
    const message = new SipMessage(text);
    return CORE.map((name) => message.has(name) && message.getParsedHeader(name));
  };
  return Math.min(...Array.from({ length: ROUNDS }, () => round(task)));
}

function round(task) {
  const start = performance.now();
  let calls = 0;
  while (performance.now() - start < ROUND) {
    for (let i = 0; i < 20; i += 1) task();
    calls += 20;
  }
  return ((performance.now() - start) * 1e6) / calls;
}
