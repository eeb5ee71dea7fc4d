'use strict';
// baresip, a telephone without a screen: its tone generator is the microphone, and nobody listens.

const { once } = require('node:events');
const net = require('node:net');
const { freePort } = require('../sipp/app');
const { certificate } = require('./certificate');
const { startPeer, waitFor } = require('./peer');

/** Where Debian's package has its modules. */
const MODULES = '/usr/lib/baresip/modules';

/**
 * @typedef {object} Phone
 * @property {number} port           its SIP port on 127.0.0.1
 * @property {Event[]} events        everything it has told, in order
 * @property {(command: string, params?: string) => Promise<string>} tell gives it a command, and returns what it answers
 * @property {(type: string, count?: number) => Promise<Event>} event waits for the first, or `count`th, event of this type
 * @property {() => string} log      what to read when a test fails
 * @property {() => Promise<void>} stop asks it to end, so that it unregisters first
 *
 * @typedef {{ type: string, class: string, accountaor: string, peeruri?: string, param?: string }} Event
 */

/**
 * Starts a phone with one account.
 *
 * @param {object} options
 * @param {string} options.user
 * @param {string} options.server       `host:port` of its registrar, which is its outbound proxy as well
 * @param {string} [options.transport]
 * @param {string} [options.password]
 * @param {number} [options.expires]    of its registration, in seconds; 0: it does not register
 * @param {'auto' | 'manual'} [options.answers]
 * @param {string[]} [options.config]   further lines of its configuration
 * @param {Record<string, string>} [options.files] further files of its folder
 * @returns {Promise<Phone>}
 */
async function startPhone(options) {
  const { user, server, transport = 'udp', password = 'secret', expires = 300, answers = 'auto', config = [], files } = options;
  const [port, control] = await Promise.all([freePort(), freePort()]);
  const account = [
    `<sip:${user}@${server};transport=${transport}>`,
    `auth_user=${user}`,
    `auth_pass=${password}`,
    `outbound="sip:${server};transport=${transport}"`,
    `answermode=${answers}`,
    `regint=${expires}`,
  ];
  const lines = [
    `module_path ${MODULES}`,
    ...['g711', 'ausine', 'aubridge'].map((module) => `module ${module}.so`),
    'module_app menu.so',
    'module_app ctrl_tcp.so',
    `ctrl_tcp_listen 127.0.0.1:${control}`,
    `sip_listen 127.0.0.1:${port}`,
    'net_interface 127.0.0.1',
    'audio_source ausine,440',
    'ausrc_srate 48000',
    'ausrc_channels 2',
    'audio_player aubridge,nowhere',
    'audio_alert aubridge,nowhere',
    ...(transport === 'tls' ? ['sip_certificate own.pem', 'sip_cafile trusted.pem'] : []),
    ...config,
  ];
  const peer = startPeer('baresip', {
    args: (folder) => ['-f', folder],
    files: { config: `${lines.join('\n')}\n`, ...(transport === 'tls' && pemFiles()), ...files },
  });
  const events = [];
  const log = () => `${user}: ${events.map((event) => JSON.stringify(event)).join('\n')}\n${peer.output()}`;
  const ask = await connect(control, events, () => peer.child.exitCode !== null, log);
  // Not from its file of accounts: then it would have registered before anybody could see it.
  await ask('uanew', account.join(';'));
  return {
    port,
    events,
    log,
    tell: ask,
    event: (type, count = 1) =>
      waitFor(`${count} × ${type}`, () => events.filter((event) => event.type === type)[count - 1], log),
    stop: peer.stop,
  };
}

function pemFiles() {
  const { cert, key } = certificate();
  return { 'own.pem': key + cert, 'trusted.pem': cert };
}

/** Speaks to the module `ctrl_tcp`: JSON objects as netstrings, commands and answers and events on one connection. */
async function connect(port, events, hasEnded, log) {
  const socket = await waitFor(
    'the control port of baresip',
    async () => {
      if (hasEnded()) throw new Error(`baresip has ended\n${log()}`);
      const attempt = net.connect(port, '127.0.0.1');
      const isOpen = await once(attempt, 'connect').then(() => true, () => false);
      return isOpen && attempt;
    },
    log,
  );
  const answers = new Map();
  let rest = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (let object; (object = take()); ) {
      if (object.event) events.push(object);
      else answers.get(object.token)?.(object);
    }
  });
  const take = () => {
    const colon = rest.indexOf(':');
    const end = colon + 1 + Number(rest.subarray(0, colon).toString());
    if (colon < 0 || rest.length <= end) return undefined;
    const object = JSON.parse(rest.subarray(colon + 1, end).toString());
    rest = rest.subarray(end + 1);
    return object;
  };

  let count = 0;
  return async (command, params) => {
    const token = String((count += 1));
    const text = JSON.stringify({ command, params, token });
    const answered = new Promise((resolve) => answers.set(token, resolve));
    socket.write(`${Buffer.byteLength(text)}:${text},`);
    const { ok, data } = await answered;
    if (!ok) throw new Error(`baresip does not ${command} ${params ?? ''}: ${data}\n${log()}`);
    return data;
  };
}

module.exports = { startPhone };
