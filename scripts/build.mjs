// Builds the native part, and puts it where `lib/native.js` looks for it.
//
// Cargo decides what is stale: on a tree that is up to date this takes a moment and changes nothing.

import { copyFileSync, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { addonFile, current } from '../lib/platform.js';
import { StepError, isMain, main, root, run } from './tools.mjs';

/**
 * Builds the addon and returns its path.
 *
 * @param {'release' | 'quick'} [profile] of Cargo.toml: `quick` is for work on the addon, and is not to be measured or packed
 */
export async function build(profile = 'release') {
  const library = await buildLibrary(profile);
  const addon = join(root, addonFile(current()));
  if (isStale(addon, library)) replace(addon, library);
  return addon;
}

// Rust's own default on musl is to link the C library into the program, and such a program cannot be a library of another.
const MUSL = ['--config', `target.'cfg(target_env = "musl")'.rustflags = ["-C", "target-feature=-crt-static"]`];

async function buildLibrary(profile) {
  const messages = await cargo(['build', ...MUSL, '--profile', profile, '--lib', '--message-format=json-render-diagnostics']);
  const library = messages
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter((message) => message.reason === 'compiler-artifact' && message.target.name === 'drachtio')
    .flatMap((message) => message.filenames)
    .find((name) => /\.(so|dylib|dll)$/.test(name));
  if (!library) throw new StepError('cargo built no dynamic library; is crate-type = ["cdylib", …] in Cargo.toml?');
  return library;
}

/**
 * Runs cargo, with its progress on this terminal.
 *
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<string>} its standard output
 */
export async function cargo(args, options = {}) {
  try {
    return await run('cargo', args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  } catch (err) {
    if (err.cause?.code !== 'ENOENT') throw err;
    throw new StepError(
      'The native part of drachtio has to be built, and cargo, the build tool of Rust, is not installed.\n' +
        'Install Rust 1.88 or later (https://rustup.rs), then try again.',
    );
  }
}

function isStale(addon, library) {
  if (!existsSync(addon)) return true;
  const [present, built] = [statSync(addon), statSync(library)];
  // The size tells a build of the other profile, which may be the newer file.
  return present.mtimeMs < built.mtimeMs || present.size !== built.size;
}

/** A process that has the old addon loaded keeps it: the name moves to the new file in one step. */
function replace(addon, library) {
  const fresh = `${addon}.${process.pid}`;
  try {
    copyFileSync(library, fresh);
    renameSync(fresh, addon);
  } finally {
    rmSync(fresh, { force: true });
  }
}

if (isMain(import.meta)) {
  await main(async () => {
    await build(process.argv.includes('--quick') ? 'quick' : 'release');
  });
}
