'use strict';

const { createSocket } = require('node:dgram');
const { once } = require('node:events');

let count = 0;

/** A peer that sends requests by UDP and hears what comes. */
async function peer(t) {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  const { port } = socket.address();
  const heard = [];
  let wake = () => {};
  socket.on('message', (data) => {
    heard.push(data.toString());
    wake();
  });
  return {
    port,
    heard,
    /** Sends a request with these headers. */
    send(to, method, headers = []) {
      const [host, toPort] = to.split(':');
      const id = `${process.pid}-${++count}`;
      const lines = [
        `${method} sip:bob@${to} SIP/2.0`,
        `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${id}`,
        'Max-Forwards: 70',
        `From: <sip:alice@127.0.0.1>;tag=a${id}`,
        `To: <sip:bob@${to}>`,
        `Call-ID: call-${id}`,
        `CSeq: 1 ${method}`,
        `Contact: <sip:alice@127.0.0.1:${port}>`,
        ...headers,
        'Content-Length: 0',
      ];
      socket.send(`${lines.join('\r\n')}\r\n\r\n`, Number(toPort), host);
      return `call-${id}`;
    },
    /** Waits for a final response; its status. */
    async answer() {
      for (;;) {
        const at = heard.findIndex((text) => /^SIP\/2.0 [2-6]/.test(text));
        if (at >= 0) return Number(heard.splice(at, 1)[0].slice(8, 11));
        await new Promise((resolve) => (wake = resolve));
      }
    },
  };
}

module.exports = { peer };
