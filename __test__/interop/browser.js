'use strict';
// Chromium without a window, with telephones in its page. It is spoken to by the DevTools protocol through a pair of pipes.

const { once } = require('node:events');
const { createReadStream } = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { engineWithTls } = require('./certificate');
const { startExchange } = require('./exchange');
const { peerTest, startPeer, waitFor } = require('./peer');

/** What the page is made of: a prefix of the path, and the folder that it stands for. */
const FOLDERS = [
  ['/sip.js/', path.join(path.dirname(require.resolve('sip.js')), '..')],
  ['/', path.join(__dirname, 'browser')],
];

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript' };

/** How long it may take to start: its first start on a machine reads hundreds of megabytes. */
const START = 45_000;

/** Nothing of its own accord over the network, no questions to a person, any certificate, a microphone that beeps. */
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--remote-debugging-pipe'],
  ...['--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-pings', '--log-level=3'],
  ...['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--allow-loopback-in-peer-connection'],
  ...['--ignore-certificate-errors', '--disable-features=WebRtcHideLocalIpsWithMdns'],
];

/**
 * @typedef {object} WebPhone
 * @property {(method: string, ...args: unknown[]) => Promise<any>} tell calls a method of the telephone in the page
 * @property {(event: string, count?: number) => Promise<void>} event waits until it has noted this event, so many times
 * @property {() => Promise<string[]>} events all that it has noted
 * @property {() => void} cut         cuts its connection as a network does: without a word to either side
 *
 * @typedef {object} Browser
 * @property {(options: { user: string, port: number, secure?: boolean, password?: string, answers?: boolean }) => Promise<WebPhone>} startPhone
 *   starts a telephone in the page, which registers at an application on this port
 */

/**
 * A test with a browser, which all tests of a file share, and an exchange of its own to register at, on WebSockets.
 *
 * @param {string} name
 * @param {(browser: Browser, exchange: import('./exchange').Exchange) => Promise<void>} fn
 */
function browserTest(name, fn) {
  peerTest(['chromium', 'openssl'], name, async () => {
    browser ??= startBrowser();
    await fn(await browser, await startExchange({ further: ['ws', 'wss'], engine: engineWithTls() }));
  });
}

/** @type {Promise<Browser> | undefined} */
let browser;

/** @returns {Promise<Browser>} */
async function startBrowser() {
  const server = await listen(http.createServer(servePage));
  const peer = startPeer('chromium', {
    args: (folder) => [...FLAGS, `--user-data-dir=${path.join(folder, 'profile')}`, 'about:blank'],
    files: { 'profile/': '' },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  const command = devTools(peer);
  const { targetId } = await command('Target.createTarget', { url: `http://127.0.0.1:${server.address().port}/phone.html` });
  const { sessionId } = await command('Target.attachToTarget', { targetId, flatten: true });
  /** Calls a function of the page. */
  const evaluate = async (expression) => {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await command('Runtime.evaluate', options, sessionId);
    if (exceptionDetails) throw new Error(`in the page: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    return result.value;
  };
  await waitFor('the page', () => evaluate('Boolean(globalThis.startPhone)'), peer.output, START);

  const startPhone = async ({ user, port, secure = false, password = 'secret', answers = true }) => {
    const line = await startLine(port);
    const at = `${secure ? 'wss' : 'ws'}://127.0.0.1:${line.port}`;
    const options = { user, password, domain: `127.0.0.1:${port}`, server: at, answers };
    await evaluate(`startPhone(${JSON.stringify(options)})`);
    const self = `phones[${JSON.stringify(user)}]`;
    const events = () => evaluate(`${self}.events`);
    const seen = [];
    const event = (name, count = 1) =>
      waitFor(
        `${user}: ${count} × ${name}`,
        async () => {
          seen.splice(0, Infinity, ...(await events()));
          return seen.filter((one) => one === name).length >= count;
        },
        () => `${seen.join('\n')}\n${peer.output()}`,
      ).then(() => {});
    const tell = (method, ...args) => evaluate(`${self}.${method}(...${JSON.stringify(args)})`);
    return { tell, event, events, cut: line.cut };
  };
  return { startPhone };
}

/** Commands as JSON objects that end in a NUL, down the pipe 3; their answers up the pipe 4. */
function devTools({ child, output }) {
  const [, , , down, up] = child.stdio;
  const waiting = new Map();
  let rest = '';
  up.on('data', (chunk) => {
    const parts = (rest + chunk).split('\0');
    rest = parts.pop();
    for (const part of parts) {
      const { id, result, error } = JSON.parse(part);
      const { resolve, reject } = waiting.get(id) ?? {};
      waiting.delete(id);
      if (error) reject?.(new Error(`${error.message}\n${output()}`));
      else resolve?.(result);
    }
  });
  down.on('error', () => {});
  child.on('close', () => {
    for (const { reject } of waiting.values()) reject(new Error(`Chromium has ended\n${output()}`));
  });
  let count = 0;
  return (method, params, sessionId) =>
    new Promise((resolve, reject) => {
      waiting.set((count += 1), { resolve, reject });
      down.write(`${JSON.stringify({ id: count, method, params, sessionId })}\0`);
    });
}

function servePage({ url }, res) {
  const [prefix, folder] = FOLDERS.find(([start]) => url.startsWith(start));
  const file = path.join(folder, path.normalize(`/${url.slice(prefix.length)}`));
  res.setHeader('Content-Type', TYPES[path.extname(file)] ?? 'text/plain');
  createReadStream(file)
    .on('error', () => res.writeHead(404).end())
    .pipe(res);
}

/** A telephone line that can be cut: what stands between a browser and the port of an application. */
async function startLine(port) {
  const ends = new Set();
  const server = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1');
    for (const [end, other] of [[near, far], [far, near]]) {
      ends.add(end);
      end.on('error', () => {});
      end.on('close', () => {
        ends.delete(end);
        other.destroy();
      });
      end.pipe(other);
    }
  });
  await listen(server);
  const cut = () => {
    for (const end of ends) end.resetAndDestroy();
  };
  return { port: server.address().port, cut };
}

/** Listens on any port, for as long as the process has something else to do. */
async function listen(server) {
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return server;
}

module.exports = { browserTest };
