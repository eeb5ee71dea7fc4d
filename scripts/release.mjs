// `npm run release`: makes the packages of a release, in the folder `release` or another: `-- --out <folder>`.
//
//   release/npm/<platform>  a package for each addon that is in the top level of this package: only that addon
//   release/drachtio        the package itself: no addon, and all those packages as optional dependencies
//
// With `-- --all` it is an error if the addon of a published platform is not there.
//
// Layout, names and contents are those of `napi create-npm-dirs`. @napi-rs/cli itself is not used: it installs a hundred packages
// and a compiler of TypeScript, and writes the optional dependencies into the package.json of the repository, which then can't be
// installed until they are published.

import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PUBLISHED, addonFile, addonPackage } from '../lib/platform.js';
import { StepError, main, root } from './tools.mjs';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

await main(() => {
  const { out, all } = options();
  const present = PUBLISHED.filter((platform) => existsSync(join(root, addonFile(platform))));
  if (present.length === 0) throw new StepError('There is no addon to release: npm run build makes the one of this machine.');
  const absent = PUBLISHED.filter((platform) => !present.includes(platform));
  if (all && absent.length > 0) throw new StepError(`Addons are missing: ${absent.map(addonFile).join(', ')}`);

  // What an earlier run left there must not be published with this one.
  for (const folder of ['npm', manifest.name]) rmSync(join(out, folder), { recursive: true, force: true });
  for (const platform of present) makePlatformPackage(platform, join(out, 'npm', platform));
  makeMainPackage(join(out, manifest.name));
});

function options() {
  try {
    const { values } = parseArgs({ options: { out: { type: 'string', default: 'release' }, all: { type: 'boolean', default: false } } });
    return { ...values, out: resolve(root, values.out) };
  } catch (err) {
    throw new StepError(err.message);
  }
}

function makePlatformPackage(platform, folder) {
  const [os, cpu, abi] = platform.split('-');
  const addon = addonFile(platform);
  const libc = { gnu: ['glibc'], musl: ['musl'] }[abi];
  const { version, license, engines } = manifest;
  put(folder, [addon, 'LICENSE']);
  writeManifest(folder, {
    name: addonPackage(platform),
    version,
    description: `The native part of ${manifest.name} for ${platform}`,
    license,
    ...repository(),
    main: addon,
    files: [addon],
    engines,
    os: [os],
    cpu: [cpu],
    ...(libc && { libc }),
  });
  const readme = `# ${addonPackage(platform)}\n\nThe native part of \`${manifest.name}\` for ${platform}: install \`${manifest.name}\`, which brings it.\n`;
  writeFileSync(join(folder, 'README.md'), readme);
}

function makeMainPackage(folder) {
  const files = manifest.files.filter((file) => !file.endsWith('.node'));
  put(folder, [...files, 'README.md', 'LICENSE']);
  writeManifest(folder, {
    ...manifest,
    ...repository(),
    files,
    optionalDependencies: Object.fromEntries(PUBLISHED.map((platform) => [addonPackage(platform), manifest.version])),
  });
}

/** npm takes a statement of provenance only with a package that names the repository it was built in. */
function repository() {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY } = process.env;
  if (manifest.repository || !GITHUB_REPOSITORY) return {};
  return { repository: { type: 'git', url: `git+${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}.git` } };
}

/** Copies files and folders of this package. */
function put(folder, files) {
  for (const file of files) cpSync(join(root, file), join(folder, file), { recursive: true });
}

function writeManifest(folder, contents) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(contents, null, 2)}\n`);
  console.log(`${contents.name} ${contents.version}: ${relative(process.cwd(), folder)}`);
}
