// Ordinary lines of applications, of which other types of this API refuse most.

import drachtio = require('../../..');

const app = drachtio();
declare const req: drachtio.Request;
declare const res: drachtio.Response;
declare const sdp: string;
declare const done: (err: Error | null) => void;
const log = (...what: unknown[]): void => console.log(...what);

// ---- applications
app.connect({ contact: 'sip:*:5060' }, (err, hostport) => log(err, hostport)).on('error', (err) => log(err.message));
app.connect().on('connect', (err, hostport) => log(err, hostport)).on('close', () => log('closed'));
app.once('connect', () => log('connected'));
for (const method of ['invite', 'bye', 'register', 'info', 'subscribe', 'options', 'message', 'notify', 'cancel', 'update', 'prack', 'ack', 'refer', 'publish'] as const) {
  app[method]((request, response, next) => (request.has('To') ? response.send(200) : next()));
}
app.use('register', [(request, response, next) => next(), (request, response) => response.send(200)]);
app.use((err: Error, request: drachtio.Request, response: drachtio.Response, next: drachtio.Next) => next(err));
app.use('bye', [[(request, response) => response.send(200)]], (request, response, next) => next());
app.use(drachtio((request, response, next) => next()));
app.use(async (request, response, next) => next());
app.set('api logger', null);
log(app.get('hostport')?.split(','), app.idle, app.client?.idle, app.locals.anything, app.stack.length);
app.disconnect();

// ---- answers
res.send(200);
res.send(200, 'Fine');
res.send(200, done);
res.send(180, { headers: { 'X-A': ['a', 'b'], 'X-N': 1 } });
res.send(200, { body: sdp }, done);
res.send(200, { body: sdp }, (err, msg) => log(err, msg.get('Contact')), (ack) => log(ack.body));
res.send(200, 'Fine', { body: sdp });
res.send(200, 'Fine', { body: sdp }, done);
res.send(200, 'Fine', { body: Buffer.from(sdp), headers: {} }, (err, msg) => log(err, msg.status), () => log('ACK'));
res.send(486, undefined, { headers: { 'Retry-After': 5 } });
res.status = 401;
res.setHeader('WWW-Authenticate', 'Digest realm="r"').end('Unauthorized');
res.set({ 'X-A': '1', 'X-B': 2 }).set('X-C', ['3']);
log(res.finalResponseSent, res.finished, res.headersSent, res.statusCode, res.reason, res.msg.raw, res.req.method, res.agent?.idle);
res.on('finish', () => log('sent')).once('end', ({ status }) => log(status));
drachtio.onSend(res, function listener(status) {
  log(this.req, status);
});

// ---- requests
app.request({ uri: 'sip:a@b', method: 'OPTIONS' }, (err, sent) => log(err, sent.stackTxnId));
app.request('sip:a@b', { method: 'INVITE', body: sdp, headers: { From: '<sip:me@h>' } }, (err, sent) => sent.on('response', (answer, ack) => answer.status === 200 && ack()));
app.request({ stackDialogId: res.stackDialogId, method: 'bye' }, done);
app.request({ uri: 'sip:a@b', method: 'REGISTER', auth: { username: 'u', password: 'p' }, proxy: 'sip:h' }, (err, sent) => sent.on('authenticate', (again) => log(again.get('CSeq'))));
app.request({ uri: 'sip:a@b', method: 'REGISTER', auth: (challenged, challenge, callback) => callback(null, 'u', challenge.get('www-authenticate')) }, done);
req.on('response', (answer, ack) => ack({ body: sdp, headers: { 'X-A': 1 } }, (err, sent) => log(err, sent.method)));
req.on('cancel', () => log('cancelled'));
req.on('cancel', (cancel) => log(cancel.get('Reason')));
req.cancel();
req.cancel((err, cancel) => log(err, cancel.method));
req.cancel({ headers: { Reason: 'SIP;cause=200' } }, done);
req.proxy({ destination: ['sip:a@b', 'sip:c@d'], forking: 'simultaneous', recordRoute: true, finalTimeout: '18s' }, (err, results) => log(err, results.finalResponse?.msg.get('To')));
req.proxy({ destination: 'sip:a@b' }).then(({ connected, responses }) => log(connected, responses[0]?.port.toFixed()));
log(req.source, req.source_address, req.source_port?.toFixed(), req.protocol, req.stackTime, req.stackTxnId, req.stackDialogId, req.receivedOn);
log(req.uri, req.url, req.body, req.payload[0]?.type, req.calledNumber, req.callingNumber, req.callingName, req.canFormDialog, req.isNewInvite);
log(req.get('Subject')?.length, req.getParsedHeader('CSeq')?.seq.toFixed(), req.getParsedHeader('refer-to')?.uri, req.getParsedHeader('Via')?.[0]?.port?.toFixed());
log(req.getParsedHeader('Contact')?.params.expires, req.getParsedHeader('P-Asserted-Identity')?.name, req.meta.source, req.res?.status, req.app?.locals);
req.logIn({ name: 'a' }, { session: false }, (err) => log(err));

// ---- messages
const message = new drachtio.SipMessage('OPTIONS sip:a@b SIP/2.0\r\n\r\n');
log(message.type, message.set('X-A', 1).get('x-a'), message.toString(), new drachtio.SipMessage({ method: 'INFO' }).method);
log(drachtio.parseUri('sip:a@b')?.scheme, drachtio.stringifyUri({ scheme: 'sip', host: 'h', port: 5060 }));
throw new drachtio.SipError(486, 'Not now');
