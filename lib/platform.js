'use strict';
// The names of platforms, as napi-rs has them: operating system, processor, and the C library or runtime where there are several.

/** The platforms that addons are published for, each in the package of `addonPackage`. */
const PUBLISHED = [
  'linux-x64-gnu',
  'linux-x64-musl',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
  'win32-arm64-msvc',
];

/**
 * The platform this process runs on, such as `linux-x64-gnu`.
 *
 * @returns {string}
 */
function current() {
  const [first, second] = possible();
  if (second === undefined) return first;
  // The report names the C library's version only when that library is glibc.
  const { header } = /** @type {{header: {glibcVersionRuntime?: string}}} */ (process.report.getReport());
  return header.glibcVersionRuntime ? first : second;
}

/**
 * The platforms whose addon may load into this process. Which C library it runs on is not asked, for that takes longer than
 * to try: an addon for the other one does not load.
 *
 * @returns {string[]}
 */
function possible() {
  const { platform, arch } = process;
  if (platform === 'linux') return [`linux-${arch}-gnu`, `linux-${arch}-musl`];
  if (platform === 'win32') return [`win32-${arch}-msvc`];
  return [`${platform}-${arch}`];
}

/**
 * The file name of the addon for a platform.
 *
 * @param {string} platform
 */
function addonFile(platform) {
  return `drachtio.${platform}.node`;
}

/**
 * The npm package that carries the addon for a platform.
 *
 * @param {string} platform
 */
function addonPackage(platform) {
  return `drachtio-${platform}`;
}

module.exports = { PUBLISHED, addonFile, addonPackage, current, possible };
