// What the scripts of package.json share: running a command, and installing what is missing.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top level of the package. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A command that did not do what was asked of it. The message is meant for the person at the terminal. */
export class StepError extends Error {}

/**
 * Runs a command in the package's folder, with this terminal as its own.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<string>} what it wrote to standard output, when that was piped; else ''
 * @throws {StepError} when it cannot be started or ends with anything but 0
 */
export function run(command, args, options = {}) {
  const line = [command, ...args].join(' ');
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
    const output = [];
    child.stdout?.on('data', (chunk) => output.push(chunk));
    child.on('error', (err) => reject(new StepError(`${line}: ${err.message}`, { cause: err })));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(output).toString());
      else reject(new StepError(`${line}: ended with ${signal ?? `code ${code}`}`));
    });
  });
}

/**
 * Runs a step of a script and turns a `StepError` into one line and an exit code.
 *
 * @param {() => Promise<void>} step
 */
export async function main(step) {
  try {
    await step();
  } catch (err) {
    if (!(err instanceof StepError)) throw err;
    console.error(`\n${err.message}`);
    process.exitCode = 1;
  }
}

/** Whether this file is the one that Node.js was asked to run. */
export function isMain(meta) {
  return Boolean(process.argv[1]) && realpathSync(process.argv[1]) === fileURLToPath(meta.url);
}

/** Installs the development dependencies, unless `node_modules` already holds what the lock file says. */
export async function installModules() {
  if (modulesAreCurrent()) return;
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const verb = existsSync(join(root, 'package-lock.json')) ? 'ci' : 'install';
  await run(npm, [verb, '--no-audit', '--no-fund'], { shell: process.platform === 'win32' });
}

function modulesAreCurrent() {
  const wanted = readJson('package-lock.json');
  const present = readJson('node_modules/.package-lock.json');
  if (!present) return false;
  if (!wanted) return true;
  return Object.entries(wanted.packages).every(([path, entry]) => {
    // An optional package of another platform is in the lock file, and rightly not on the disk.
    if (path === '' || entry.optional) return true;
    return present.packages[path]?.version === entry.version;
  });
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * The files under `folder`, at any depth, whose name ends in `suffix`, in a fixed order.
 *
 * @param {string} folder below the top level of the package
 * @param {string} suffix
 */
export function filesUnder(folder, suffix) {
  const top = join(root, folder);
  if (!existsSync(top)) return [];
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}
