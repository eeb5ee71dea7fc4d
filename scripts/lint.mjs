// `npm run lint`: the formatting and the lints of both languages.

import { cargo } from './build.mjs';
import { installModules, isMain, main, run } from './tools.mjs';

/** Fails at the first complaint of any of the four. */
export async function lint() {
  await installModules();
  const inherit = { stdio: 'inherit' };
  await cargo(['fmt', '--check'], inherit);
  await cargo(['clippy', '--all-targets', '--', '-D', 'warnings'], inherit);
  for (const crate of ['loadgen', 'parse']) {
    const manifest = ['--manifest-path', `bench/${crate}/Cargo.toml`];
    await cargo(['fmt', '--check', ...manifest], inherit);
    await cargo(['clippy', '--target-dir', 'target/bench', ...manifest, '--', '-D', 'warnings'], inherit);
  }
  await tool('eslint', 'eslint/bin/eslint.js', ['.']);
  await tool('tsc', 'typescript/bin/tsc', ['--noEmit']);
}

/** A tool of `node_modules`, run by this Node.js: the same on every platform, and never another version from the PATH. */
async function tool(name, script, args) {
  console.error(`${name} ${args.join(' ')}`);
  await run(process.execPath, [`node_modules/${script}`, ...args]);
}

if (isMain(import.meta)) await main(lint);
