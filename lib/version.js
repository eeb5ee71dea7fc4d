'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');

/** The version of this package. @type {string} */
const VERSION = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8')).version;

module.exports = { VERSION };
