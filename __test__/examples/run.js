'use strict';
// Runs a program of `examples` as a person would, and reads what it prints.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { after } = require('node:test');

const running = new Set();
after(() => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts `examples/<name>` with these arguments.
 *
 * @param {string} name
 * @param {string[]} args
 * @returns {{
 *   printed: (text: string, limit?: number) => Promise<string>,
 *   exited: Promise<number | null>,
 *   output: () => string,
 *   stop: () => Promise<void>,
 * }} `printed` resolves to all the output once `text` is in it
 */
function runExample(name, args) {
  return runProgram(process.execPath, [path.join(__dirname, '../../examples', name), ...args]);
}

/** The same for any program. */
function runProgram(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const exited = once(child, 'close').then(([code]) => {
    running.delete(child);
    return code;
  });

  const printed = async (text, limit = 15_000) => {
    const end = Date.now() + limit;
    while (!output.includes(text)) {
      if (child.exitCode !== null && !output.includes(text)) throw new Error(`ended without printing “${text}”:\n${output}`);
      if (Date.now() > end) throw new Error(`has not printed “${text}”:\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return output;
  };
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  return { printed, exited, output: () => output, stop };
}

module.exports = { runExample, runProgram };
