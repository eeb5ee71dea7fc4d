// `npm start [-- --contact sip:…]`: builds what is missing, then runs the example application.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build } from './build.mjs';
import { main, root } from './tools.mjs';

await main(async () => {
  await build();
  const example = join(root, 'examples', 'registrar-proxy.js');
  const child = spawn(process.execPath, [example, ...process.argv.slice(2)], { stdio: 'inherit' });
  // Ctrl-C reaches the whole process group; the application then decides how to end, and this script follows it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const { promise, resolve } = withResolvers();
  child.on('close', (code) => resolve(code ?? 0));
  process.exitCode = await promise;
});

function withResolvers() {
  let resolve;
  const promise = new Promise((settle) => (resolve = settle));
  return { promise, resolve };
}
