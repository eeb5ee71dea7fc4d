'use strict';

const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const { inspect } = require('node:util');
const { loadConfiguration } = require('./config');
const { changesThatWait } = require('./config/changes');
const { help } = require('./config/command_line');
const { serve } = require('./server');
const { VERSION } = require('../version');

/** @typedef {import('./config').Configuration} Configuration */
/** @typedef {import('./server').Server} Server */

/** How often the sizes of the tables are logged when somebody wants that, in milliseconds. */
const TABLES_INTERVAL = 30_000;

/**
 * Runs a server until it is told to end.
 *
 * @param {string[]} args
 */
async function run(args) {
  const configuration = loadConfiguration(args, process.env);
  const { options, findings, run: how } = configuration;
  if (how.help) return console.log(help());
  if (how.version) return console.log(VERSION);
  for (const line of findings.lines()) console.error(line);
  if (options === undefined) {
    process.exitCode = 1;
    return;
  }
  if (how.daemon) return detach(args);
  /** @type {Server | undefined} */
  let server;
  try {
    // Whoever is not there is found out before anything is bound.
    const user = how.user === undefined ? undefined : findUser(how.user);
    server = await serve(options);
    if (user !== undefined) become(user);
    new Process(server, configuration, args).start();
    console.log(`SIP on ${server.hostports.join(', ')}; applications on ${server.adminHostports.join(', ') || 'no port'}`);
    tellParent({ listening: true });
  } catch (err) {
    const { message } = /** @type {Error} */ (err);
    console.error(`drachtio serve: ${message}`);
    tellParent({ message });
    process.exitCode = 1;
    await server?.close();
  }
}

/**
 * Says what is wrong with a configuration, and ends with 1 if a server would not start with it.
 *
 * @param {string[]} args
 */
function check(args) {
  const { findings, options, run: how, file } = loadConfiguration(args, process.env);
  if (how.help) return console.log(help());
  for (const line of findings.lines()) console.log(line);
  if (options === undefined) process.exitCode = 1;
  else console.log(`${file ?? 'no file'}: ok`);
}

/** A server and the signals that its process gets. */
class Process {
  #server;
  #configuration;
  #args;
  #isEnding = false;

  /**
   * @param {Server} server
   * @param {Configuration} configuration
   * @param {string[]} args
   */
  constructor(server, configuration, args) {
    this.#server = server;
    this.#configuration = configuration;
    this.#args = args;
  }

  start() {
    process.on('SIGHUP', () => void this.#reload());
    process.on('SIGTERM', () => void this.#end());
    process.on('SIGINT', () => void this.#end());
    this.#server.on('error', (err) => {
      console.error(`drachtio serve: ${err.message}`);
      process.exitCode = 1;
    });
    if (this.#configuration.options?.logTables) this.#logTables();
  }

  #logTables() {
    const timer = setInterval(() => this.#server.log('info', `tables: ${inspect(this.#server.census(), { breakLength: Infinity })}`), TABLES_INTERVAL);
    timer.unref();
    this.#server.once('close', () => clearInterval(timer));
  }

  /** SIGHUP: what can change without a restart does. */
  async #reload() {
    const next = loadConfiguration(this.#args, process.env);
    const { options } = next;
    const before = this.#configuration.options;
    for (const { severity, where, text } of next.findings.list) {
      this.#server.log(severity === 'note' ? 'info' : severity, `reload: ${where}: ${severity}: ${text}`);
    }
    if (options === undefined || before === undefined) {
      this.#server.log('error', 'reload: nothing has changed, since the configuration is wrong');
      return;
    }
    try {
      await this.#server.reload({
        secret: options.admin.secret,
        tls: /** @type {Record<string, unknown> | undefined} */ (options.engine.tls),
        certificate: options.admin.certificate,
        requestHandlers: options.requestHandlers,
        screening: /** @type {Record<string, unknown>} */ (options.engine.screening ?? {}),
        blacklist: options.blacklist,
        logLevel: /** @type {{level?: string}} */ (options.observe.log ?? {}).level ?? 'info',
      });
    } catch (err) {
      this.#server.log('error', `reload: nothing has changed: ${/** @type {Error} */ (err).message}`);
      return;
    }
    for (const name of changesThatWait(before, options)) this.#server.log('warning', `reload: '${name}' changes with a restart only`);
    this.#configuration = next;
    this.#server.log('notice', 'reload: the configuration is in force');
  }

  /** SIGTERM and SIGINT: the calls may end, then the process does. The second time it ends at once. */
  async #end() {
    if (this.#isEnding) {
      await this.#server.close();
    } else {
      this.#isEnding = true;
      this.#server.log('notice', 'the server ends: no new requests are taken');
      await this.#server.drain();
    }
    process.exit(0);
  }
}

/**
 * Leaves the server in the background, and prints its process id once it listens.
 *
 * @param {string[]} args
 */
async function detach(args) {
  const [program] = process.argv.slice(1);
  const kept = args.filter((arg) => arg !== '--daemon');
  const child = spawn(process.execPath, [...process.execArgv, program, 'serve', ...kept], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const outcome = await Promise.race([once(child, 'message').then(([message]) => message), once(child, 'exit').then(() => ({}))]);
  if (outcome.listening) {
    console.log(String(child.pid));
    child.disconnect();
    child.unref();
  } else {
    console.error(`drachtio serve: ${outcome.message ?? 'the server has not started'}`);
    process.exitCode = 1;
  }
}

/**
 * Tells the process that has started this one in the background, if there is one.
 *
 * @param {object} message
 */
function tellParent(message) {
  if (process.send !== undefined) process.send(message, () => process.disconnect());
}

/**
 * A user of this host, and the group that it is in.
 *
 * @param {string} name
 */
function findUser(name) {
  const id = (/** @type {string} */ which) => {
    try {
      return Number(execFileSync('id', [which, '--', name], { stdio: ['ignore', 'pipe', 'ignore'] }));
    } catch {
      throw new Error(`there is no user '${name}'`);
    }
  };
  return { name, uid: id('-u'), gid: id('-g') };
}

/**
 * Gives up what only the administrator may do, once the sockets are bound.
 *
 * @param {ReturnType<typeof findUser>} user
 */
function become({ name, uid, gid }) {
  if (process.setuid === undefined || process.getuid?.() !== 0) return;
  // Its types know nothing of it.
  /** @type {{initgroups?: (user: string, group: number) => void}} */ (process).initgroups?.(name, gid);
  process.setgid?.(gid);
  process.setuid(uid);
}

module.exports = { check, run };
