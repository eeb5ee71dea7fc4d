// `npm run bench [-- --quick]`: builds the package and the load generator, then measures. bench/README.md explains the table.

import { build, cargo } from './build.mjs';
import { installModules, main, run } from './tools.mjs';

await main(async () => {
  await installModules();
  await build();
  for (const crate of ['loadgen', 'parse']) {
    const manifest = ['--manifest-path', `bench/${crate}/Cargo.toml`];
    await cargo(['build', '--release', '--target-dir', 'target/bench', ...manifest], { stdio: 'inherit' });
  }
  await run(process.execPath, ['bench/run.mjs', ...process.argv.slice(2)]);
});
