// `npm test`: installs and builds what is missing, then lints and runs every test of the tree.
//
// `npm test -- --js` leaves out the lints and the Rust tests; `npm test -- __test__/sipp/forking.test.js` runs those files only.

import { build, cargo } from './build.mjs';
import { lint } from './lint.mjs';
import { StepError, filesUnder, installModules, main, run } from './tools.mjs';

const args = process.argv.slice(2);
const named = args.filter((arg) => !arg.startsWith('--'));
const unknown = args.filter((arg) => arg.startsWith('--') && arg !== '--js');

await main(async () => {
  if (unknown.length > 0) throw new StepError(`npm test does not know ${unknown.join(' ')}`);
  await installModules();
  await build();
  if (named.length > 0) return node(named, 1);
  if (!args.includes('--js')) {
    await lint();
    await cargo(['test'], { stdio: 'inherit' });
  }
  // The tests that offer load measure what one process does with two cores, so nothing may run beside them.
  const files = filesUnder('__test__', '.test.js').filter((file) => !file.startsWith('__test__/package'));
  const alone = files.filter((file) => /^__test__.sipp.load/.test(file));
  await node(alone, 1);
  await node(files.filter((file) => !alone.includes(file)), 2);
});

async function node(files, concurrency) {
  if (files.length === 0) return;
  await run(process.execPath, ['--test', `--test-concurrency=${concurrency}`, ...files]);
}
