'use strict';

const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { after } = require('node:test');
const { loadConfiguration } = require('../../../lib/serve/config');

/** Where the files of these tests are; removed at the end. */
const DIRECTORY = mkdtempSync(join(tmpdir(), 'drachtio-config-'));
after(() => rmSync(DIRECTORY, { recursive: true, force: true }));

/** Writes a file, and returns its name. */
function file(name, text) {
  const path = join(DIRECTORY, name);
  writeFileSync(path, text);
  return path;
}

/** What a configuration says that stands in this XML file, environment and command line. */
function load({ xml = '', env = {}, argv = [] }) {
  const path = file('drachtio.conf.xml', `<drachtio>\n${xml}\n</drachtio>\n`);
  return loadConfiguration(['-f', path, ...argv], env);
}

/** An option by its full name. */
const option = (options, name) => name.split('.').reduce((inner, key) => inner?.[key], options);

/** XML that says one thing at this path; the last name becomes an element, or an attribute. */
function xmlOf(path, text, asAttribute = false) {
  const names = path.split('/');
  const last = names.pop();
  if (asAttribute) {
    const element = names.pop();
    return names.reduceRight((inner, name) => `<${name}>${inner}</${name}>`, `<${element} ${last}="${text}"/>`);
  }
  return [...names, last].reduceRight((inner, name) => `<${name}>${inner}</${name}>`, text);
}

module.exports = { DIRECTORY, file, load, option, xmlOf };
