'use strict';
// A stand-in for FreeSWITCH: its event socket in both directions, and the SIP side of its calls.

const { once } = require('node:events');
const net = require('node:net');
const { sdp, station } = require('./support');

const PASSWORD = 'ClueCon';

/** Cuts what an event socket is told into commands: lines up to an empty one. */
function onCommand(socket, handle) {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const headers = Object.fromEntries(lines.slice(1).map((line) => line.split(': ', 2)));
      handle(lines[0], headers);
    }
  });
}

function reply(socket, text, more = {}) {
  const headers = { 'Content-Type': 'command/reply', 'Reply-Text': text, ...more };
  socket.write(`${lines(headers)}\n\n`);
}

function send(socket, type, body) {
  socket.write(`Content-Length: ${Buffer.byteLength(body)}\nContent-Type: ${type}\n\n${body}`);
}

function lines(headers) {
  const entries = Object.entries(headers);
  return entries.map(([name, value]) => `${name}: ${encodeURIComponent(value).replaceAll('%20', ' ').replaceAll('%2F', '/').replaceAll('%2B', '+')}`).join('\n');
}

/** Starts it. `executed` has the applications that it was told to run on its calls. */
async function startMediaServer(t) {
  const executed = [];
  const calls = [];
  const sip = await station(t, 'drachtio-srf', {
    invite: async (req, res) => {
      const dialog = await sip.srf.createUAS(req, res, { localSdp: sdp(16_384) });
      calls.push(dialog);
      connectOut(req, dialog);
    },
  });
  const server = net.createServer((socket) => {
    t.after(() => socket.destroy());
    socket.write('Content-Type: auth/request\n\n');
    onCommand(socket, (command) => {
      if (command === `auth ${PASSWORD}`) reply(socket, '+OK accepted');
      else if (command === 'api sofia status') {
        send(socket, 'api/response', `  drachtio_mrf\t  profile\t  sip:mod_sofia@${sip.address}\t  RUNNING (0)\n`);
      } else reply(socket, '+OK');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());

  /** The call's own connection to the application that has asked for it. */
  function connectOut(req, dialog) {
    const [host, port] = req.get('X-esl-outbound').split(':');
    const socket = net.connect(Number(port), host);
    const uuid = `channel-${calls.length}`;
    t.after(() => socket.destroy());
    onCommand(socket, (command, headers) => {
      if (command === 'connect') {
        reply(socket, '+OK', {
          'Event-Name': 'CHANNEL_DATA',
          'Unique-ID': uuid,
          'Channel-Unique-ID': uuid,
          variable_sip_user_agent: req.get('User-Agent'),
          variable_sip_call_id: req.get('Call-ID'),
          variable_rtp_local_sdp_str: sdp(16_384),
          variable_switch_r_sdp: req.body || sdp(5000),
        });
        return;
      }
      reply(socket, '+OK');
      if (!command.startsWith('sendmsg')) return;
      const application = headers['execute-app-name'];
      executed.push(application);
      if (application === 'hangup') {
        dialog.destroy();
        socket.end();
        return;
      }
      const event = { 'Event-Name': 'CHANNEL_EXECUTE_COMPLETE', 'Unique-ID': uuid, 'Application-UUID': headers['Event-UUID'], variable_playback_ms: '1500' };
      send(socket, 'text/event-json', JSON.stringify(event));
    });
  }
  return { port: server.address().port, executed, calls, server: sip.server };
}

module.exports = { startMediaServer };
