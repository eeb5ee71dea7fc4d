// What applications write, and what the types must therefore accept.

import drachtio = require('../../..');
import { openPeer, openWorld, type WorldPeer } from '../../../testing';
import type { App, Handler, NameAddr, ProxyResults, Request, Response, SipMessage, Via } from '../../..';

declare module '../../..' {
  interface RequestExtras {
    registration?: { contact: string };
  }
}

/** Fails to compile unless the two types are the same. */
function same<A>() {
  return <B>(_: [A] extends [B] ? ([B] extends [A] ? B : never) : never): void => {};
}

const app: App = drachtio();
drachtio((req, res, next) => next());
drachtio(app, [app]);

// ---- handlers

app
  .invite((req, res) => res.send(486))
  .register(async (req, res, next) => {
    next(new Error(req.method));
  })
  .options([(req: Request, res: Response) => res.send(200), [app]]);
app.use((req, res, next) => next());
app.use('invite', (req, res) => res.send(200), (req, res) => res.send(200));
app.use(['invite', 'bye'], (req, res) => res.send(200));
app.use('in', app);
app.use(app);
app.use((err: unknown, req: Request, res: Response, next: drachtio.Next) => {
  res.send(500);
  next(err);
});
app.use('bye', (err: Error & { status?: number }, req: Request, res: Response, next: drachtio.Next) => next(err));
const handler: Handler = (req) => req.proxy({ destination: 'sip:a@b.example' });
app.message(handler);
for (const method of ['ack', 'bye', 'cancel', 'info', 'notify', 'prack', 'publish', 'refer', 'subscribe', 'update'] as const) app[method](handler);

// ---- connection

app.connect();
app.connect({ contact: 'sip:*:5060' });
app.connect({ contact: ['sip:127.0.0.1', 'sip:[::1]'] }, (err, hostport) => {
  same<Error | null>()(err);
  same<string | undefined>()(hostport);
});
app.connect((err) => console.log(err?.message)).on('connect', (err, hostport) => hostport.toUpperCase()).on('error', (err) => err.stack);
app.once('close', () => {}).on('my own', (count: number) => count + 1).emit('my own', 1);
app.removeAllListeners('my own').off('close', () => {});
app.disconnect().then(() => {});
app.connect({ host: '127.0.0.1', port: 9022, secret: 'cymru', tags: ['blue'], tls: { ca: '' }, reconnect: { maxAttempts: 3 }, enablePing: true }, (err, hostport, version) => {
  console.log(err?.message, hostport?.length, version?.length);
});
app.on('reconnecting', ({ delay, attempt }) => delay + attempt);
app.on('cdr:stop', (source, time, reason, msg) => `${source} ${time} ${reason} ${msg.get('call-id')}`);
app.listen({ port: 0, secret: 'cymru' }, () => app.close()).address();
app.invite((req) => {
  app.request('sip:a@b.example', { method: 'OPTIONS', _socket: req.socket, headers: { 'X-Server': req.server?.hostport } });
  app.endSession(req);
});
same<boolean | undefined>()(app.idle);
same<string | undefined>()(app.get('hostport'));
app.set('api logger', process.stdout);
app.set('api logger', null);
app.set('colour', 'blue');
app.locals.db = 1;
const size: number | undefined = app.client?.census().dialogs;
const failovers: number | undefined = app.client?.counters().failovers;
console.log(size, failovers, typeof app, app.stack[0]?.method);

// ---- requests

app.request({ uri: 'sip:a@b.example', method: 'OPTIONS' }, (err, req) => {
  if (err) throw err;
  req.on('response', (res, ack) => {
    same<number>()(res.status);
    ack();
    ack({ body: 'v=0', headers: { 'X-A': [1, 'b'] } }, (ackErr, msg) => console.log(ackErr, msg.method));
    ack((ackErr) => console.log(ackErr));
    app.request({ method: 'bye', stackDialogId: res.stackDialogId }, () => {});
    console.log(res.req.uri, res.agent?.idle);
  });
  req.once('authenticate', (retry) => retry.cancel());
  req.cancel((cancelErr, cancel) => console.log(cancelErr, cancel.method));
  req.cancel({ headers: { Reason: 'SIP;cause=200' } });
});
app.request('sip:a@b.example', { method: 'INVITE', body: Buffer.from('v=0'), auth: { username: 'u', password: 'p' } }, () => {});
app.request('sip:a@b.example', { method: 'REGISTER', auth: (req, res, callback) => callback(null, req.uri, res.reason) }).then((req) => {
  same<Request>()(req);
});
app.request({ uri: 'sip:a@b.example', method: 'FOO', proxy: 'sip:10.0.0.1', _socket: {}, headers: { Gone: undefined, Max: 7 } }, () => {});

async function modern() {
  const req = await app.request({ uri: 'sip:a@b.example', method: 'INVITE', signal: AbortSignal.timeout(1000) });
  req.on('lost', (err) => err.message);
  for await (const res of req.responses()) {
    if (res.status >= 200) same<SipMessage | undefined>()(await res.ack({ body: '' }));
  }
  for await (const { status } of req.responses({ signal: new AbortController().signal })) status.toFixed();
  same<Request>()(await req.cancel());
  const { status, headers, proxied } = await app.inject('INVITE', { headers: { 'X-A': 1 }, proxied: (uri) => uri.length, signal: AbortSignal.timeout(5) });
  same<number>()(status);
  console.log(headers['x-a'], proxied?.[0], (await app.inject(new drachtio.SipMessage('OPTIONS sip:a SIP/2.0'))).message?.get('to'));
  const peer = await openPeer({ port: 0 });
  same<SipMessage>()(await peer.receives('INVITE', { patience: 100 }));
  peer.answer(peer.request('OPTIONS', peer.uri), 200, { headers: { 'X-A': 1 }, body: '' });
  await peer.receives((message) => message.status === 200);
  await app[Symbol.asyncDispose]();
  req.on('update', (update, res) => res.send(200, update.getHeaderName('from') ?? update.receivedOn));
  req.on('response', async (res, ack) => same<SipMessage | undefined>()(await ack()));
}
async function simulated() {
  const world = openWorld({ seed: 1, latency: '5ms', loss: (message, { from, to }) => message.method === 'ACK' && from !== to, names: { a: '192.0.2.1', b: ['192.0.2.2'] }, timers: true });
  same<string>()(await world.connect(app, { contact: 'sip:*', engine: { timers: { t1: 100 } } }));
  await world.connect(app.client!);
  const peer: WorldPeer = world.peer('sip:a@192.0.2.7');
  same<SipMessage>()(await peer.receives(200, { patience: '1.5h' }));
  peer.hangUp();
  same<Promise<number>>()(world.hold(Promise.resolve(5)));
  world.setLink({ loss: 0.5, jitter: 20, duplication: 1 });
  await world.advance('32s');
  same<number>()(world.now);
  same<number[] | undefined>()(world.sent[0]?.arrivals);
  await world[Symbol.asyncDispose]();
}
void simulated;
app.removeRoute('in').on('close', modern);

// ---- received requests

app.invite((req, res) => {
  same<string | undefined>()(req.get('Call-ID'));
  same<NameAddr | undefined>()(req.getParsedHeader('From'));
  same<Via[] | undefined>()(req.getParsedHeader('via'));
  same<string | undefined>()(req.getParsedHeader('Subject'));
  same<unknown>()(req.getParsedHeader(String(req.method)));
  same<number | undefined>()(req.getParsedHeader('content-length'));
  const contact = req.getParsedHeader('Contact');
  if (contact) console.log(contact[0]?.uri, contact.params.expires, contact.length);
  const [challenge] = req.getParsedHeader('WWW-Authenticate') ?? [];
  console.log(challenge?.scheme, challenge?.realm);
  const route = req.getParsedHeader('Record-Route')?.[0]?.uri;
  if (route?.scheme === 'tel') console.log(route.number, route.context);
  else console.log(route?.host, route?.port.toFixed());
  console.log(req.getParsedHeader('CSeq')?.seq.toFixed(), req.registration?.contact);

  const header: string | undefined = req.headers['x-a'];
  req.headers = { 'X-A': header };
  console.log(req.source_port?.toFixed(), req.stackTxnId, req.meta.transactionId, req.isNewInvite, req.payload[0]?.content, req.msg.raw);
  req.on('cancel', (cancel) => console.log(cancel.get('reason')));
  req.set('X-A', 1).set({ 'X-B': [1, '2'] }).has('x-b');

  res.send(180);
  res.send(183, 'Progress');
  res.send(183, { headers: { Require: '100rel' } }, (err, msg) => console.log(err?.message, msg.get('RSeq')), (prack) => console.log(prack.method));
  res.send(200, 'OK', { body: 'v=0' }, (err) => console.log(err), () => {});
  res.send(200, () => {});
  res.send(200, undefined, { body: '' });
  res.statusCode = 401;
  res.setHeader('WWW-Authenticate', ['Digest realm="a"']).end('Unauthorized');
  res.on('end', ({ status, reason }) => console.log(status, reason)).once('finish', () => {});
  console.log(res.finalResponseSent, res.headersSent, res.finished);

  req.proxy({ destination: ['sip:a@b.example'], forking: 'simultaneous', remainInDialog: true, provisionalTimeout: '2s' }, (err, results) => {
    console.log(err, results.finalStatus, results.responses[0]?.msgs[0]?.msg.status);
  });
  req.proxy().then((results: ProxyResults) => console.log(results.connected));
  const group = [{ uri: 'sip:a@b.example', headers: { 'X-A': 1 }, transport: 'tls', via: 'sip:edge.example' }, 'sip:c'] as const;
  req.proxy({ destination: Object.freeze([...group]), followRedirects: 3, finalTimeout: 20_000, signal: AbortSignal.timeout(1000) });
  req.proxy({ destination: [group, ['sip:d'], { uri: 'sip:e', provisionalTimeout: '2s', finalTimeout: 500 }] });
  req.proxy({ setHeaders: { Subject: 'x', 'X-A': null }, removeHeaders: ['X-B'], preserveRequestUri: false, followRoutes: true });
  req.proxy({ destination: [{ uri: 'sip:d', q: 0.5 }] }).then(({ branches: [branch] }) => {
    same<string | undefined>()(branch?.endTime);
    if (branch?.reason === 'cancelled') branch.responses.map(({ status, msg }) => [status.toFixed(), msg.reason]);
  });
  req.on('branch', ({ target, startTime }) => [target.length, startTime.length]);
  req.on('provisional', ({ status }, { target }) => [status.toFixed(), target.length]);
  req.on('final', ({ duration, status }) => [duration?.toFixed(), status?.toFixed()]);
  req.logIn({ id: 1 }, { session: false });
  res.send(200).then((sent) => same<SipMessage>()(sent));
  res.send(200, { headers: { Contact: '<sip:a@b>' } }).catch((err: drachtio.DrachtioError) => err.code);
  res.send(200, 'OK', undefined, undefined, (ack) => ack.method).finally(() => {});
  drachtio.onSend(res, function listener(status, reason, { headers }) {
    console.log(this.req.method, status, reason, headers);
  });
});

// ---- statics

const message: SipMessage = new drachtio.SipMessage('OPTIONS sip:a@b SIP/2.0\r\n\r\n');
new drachtio.SipMessage(message).set('X-A', 1).toString();
new drachtio.SipMessage({ method: 'OPTIONS', uri: 'sip:a@b', headers: { To: 'x' } }).callingName.trim();
const uri = drachtio.parseUri('sip:a@b');
if (uri) drachtio.stringifyUri(uri);
if (uri && uri.scheme !== 'tel') drachtio.parseUri(uri).host.trim();
drachtio.stringifyUri({ scheme: 'sip', host: 'h' });
new drachtio.Agent((req, res) => res.send(200)).connect().on('connect', (err, hostport) => hostport.trim());
new drachtio.Agent(app).request({ uri: 'sip:a@b', method: 'OPTIONS' }, (err, req) => req.res?.send(200));
const request: Request = new drachtio.Request(message, { source: 'network', address: '10.0.0.1', port: '5060' });
const response: Response = new drachtio.Response();
app(request, response, () => {});
const failed: unknown = new drachtio.DrachtioError('text', 'DRT_ERR_X');
if (failed instanceof drachtio.DrachtioError) failed.code.trim();

// ---- passwords, refusals and options of the engine

app.use(drachtio.digestAuth({ realm: 'example.com', passwords: { alice: 'secret' }, algorithms: ['SHA-256'], qop: ['auth'] }));
app.register(
  drachtio.digestAuth({ realm: (req) => req.uri, passwords: async (user, realm, req) => (user === req.method ? { ha1: { MD5: realm } } : undefined) }),
  (req) => {
    console.log(req.authorization?.username.trim(), req.authorization?.nc.toFixed());
    req.on('refused', (err) => console.log(err.code, err.status.toFixed()));
  },
);
app.request({ uri: 'sip:a@b', method: 'REGISTER', auth: { username: 'u', password: 'p', realm: 'r' } });
app.connect({ engine: { timers: { t1: 500 }, limits: { dialogs: 10 }, optionsAutoAnswer: 'monitor', supported: ['timer'], accept: ['text/*'] } });
