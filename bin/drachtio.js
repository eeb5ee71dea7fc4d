#!/usr/bin/env node
'use strict';

const { VERSION } = require('../lib/version');

/** What the commands do with the arguments after their name. @type {Record<string, () => (args: string[]) => void>} */
const COMMANDS = {
  serve: () => require('../lib/serve/command').run,
  check: () => require('../lib/serve/command').check,
};

const HELP = `usage: drachtio serve [options]
       drachtio check [options]
       drachtio --version

Options without a command are those of serve. See docs/server.md and docs/configuration.md`;

const [command = '', ...args] = process.argv.slice(2);

if (Object.hasOwn(COMMANDS, command)) {
  COMMANDS[command]()(args);
} else if (command === '--version' || command === '-v') {
  console.log(VERSION);
} else if (command.startsWith('-') && command !== '--help' && command !== '-h') {
  // As drachtio-server is started by units and containers.
  COMMANDS.serve()(process.argv.slice(2));
} else {
  console.error(HELP);
  process.exitCode = command === '--help' || command === '-h' ? 0 : 64;
}
