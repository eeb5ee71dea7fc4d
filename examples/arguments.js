'use strict';
// What the small examples share of the command line: `[--contact sip:…]… [URI]…`.

const { parseArgs } = require('node:util');

const { values, positionals } = parseArgs({
  options: { contact: { type: 'string', multiple: true, default: ['sip:*:5060;transport=udp,tcp'] } },
  allowPositionals: true,
});

module.exports = { contact: values.contact, positionals };
