#!/usr/bin/env node
'use strict';

/** What the commands do with the arguments after their name. @type {Record<string, () => (args: string[]) => void>} */
const COMMANDS = {
  serve: () => require('../lib/serve/command').run,
  check: () => require('../lib/serve/command').check,
};

const [command = '', ...args] = process.argv.slice(2);

if (Object.hasOwn(COMMANDS, command)) {
  COMMANDS[command]()(args);
} else if (command.startsWith('-')) {
  // As drachtio-server is started by units and containers.
  COMMANDS.serve()(process.argv.slice(2));
} else {
  if (command !== '') console.error(`drachtio: '${command}' is not a command\n`);
  console.error(require('../lib/serve/config/command_line').help());
  process.exitCode = 64;
}
