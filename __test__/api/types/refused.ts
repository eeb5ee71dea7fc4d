// What the types must refuse. Each line has to be an error: one that is none fails the compilation.

import drachtio = require('../../..');
import { Peer, World, openWorld } from '../../../testing';

const app = drachtio();

// @ts-expect-error a time without a unit
void openWorld().advance('32');
// @ts-expect-error a misspelled option
openWorld({ lost: 0.1 });
// @ts-expect-error there is no server in a world
void openWorld().connect(app, { host: '127.0.0.1' });
// @ts-expect-error a world is opened
new World();
// @ts-expect-error a peer is opened
new Peer();
// @ts-expect-error time passes only by `advance`
openWorld().now = 5;

// @ts-expect-error a misspelled option
app.connect({ contract: 'sip:*' });
// @ts-expect-error a port is no contact
app.connect({ contact: 5060 });
// @ts-expect-error a server wants a secret
app.connect({ host: '127.0.0.1' });
// @ts-expect-error where to listen is an option of the engine of this process
app.connect({ host: '127.0.0.1', secret: 'cymru', contact: 'sip:*' });
// @ts-expect-error an application that listens is not connected again
app.listen({ secret: 'cymru', reconnect: {} });
// @ts-expect-error no handler
app.invite('sip:a@b.example');
// @ts-expect-error no such SIP method
app.call(() => {}).hello();
// @ts-expect-error the address is a string
app.on('connect', (err, hostport: number) => hostport);
// @ts-expect-error an event that has no such argument
app.on('close', (reason: string) => reason);
// @ts-expect-error no method
app.request('sip:a@b.example', {}, () => {});
// @ts-expect-error neither a uri nor a dialog
app.request({ method: 'OPTIONS' }, () => {});
// @ts-expect-error credentials need a password
app.request('sip:a@b.example', { method: 'OPTIONS', auth: { username: 'u' } });
// @ts-expect-error an object is no header value
app.request('sip:a@b.example', { method: 'OPTIONS', headers: { To: { uri: 'x' } } });
// @ts-expect-error a body is text or bytes
app.request('sip:a@b.example', { method: 'OPTIONS', body: { v: 0 } });
// @ts-expect-error a request has no number
app.request('sip:a@b.example', { method: 'OPTIONS' }).then((req) => req.seq);
// @ts-expect-error a number is no signal
app.request({ uri: 'sip:a@b.example', method: 'OPTIONS', signal: 5 });
// @ts-expect-error with a callback there is no promise
app.request({ uri: 'sip:a@b.example', method: 'OPTIONS' }, () => {}).then(() => {});
// @ts-expect-error a destination has a status
app.inject('INVITE', { proxied: (uri) => uri });
// @ts-expect-error idle is not a function
app.idle();

app.invite((req, res) => {
  // @ts-expect-error with a callback there is no promise
  res.send(200, () => {}).then(() => {});
  // @ts-expect-error a header may be missing
  req.get('X-A').length;
  // @ts-expect-error a header may be missing
  req.getParsedHeader('From').uri;
  // @ts-expect-error a parameter may be missing
  req.getParsedHeader('From')!.params.tag.length;
  // @ts-expect-error the number of a CSeq is called seq
  req.getParsedHeader('CSeq')!.number;
  // @ts-expect-error a Via has no uri
  req.getParsedHeader('Via')![0]!.uri;
  // @ts-expect-error what is not known by its name is text
  req.getParsedHeader('Subject')!.uri;
  // @ts-expect-error a header by a name that is not known beforehand can be anything
  req.getParsedHeader(req.method).trim();
  // @ts-expect-error the source is read only
  req.source = 'network';
  // @ts-expect-error a misspelled option
  req.proxy({ destinations: ['sip:a'] });
  // @ts-expect-error a destination needs a URI
  req.proxy({ destination: [{ q: 1 }] });
  // @ts-expect-error no such transport
  req.proxy({ destination: { uri: 'sip:a', transport: 'sctp' } });
  // @ts-expect-error groups have no groups
  req.proxy({ destination: [[['sip:a']]] });
  // @ts-expect-error no such reason
  req.on('final', ({ reason }) => reason === 'done');
  // @ts-expect-error a status is a number
  res.send('200');
  // @ts-expect-error there is no such option
  res.send(200, { header: { To: 'x' } });
  // @ts-expect-error the message comes second
  res.send(200, (msg: drachtio.SipMessage) => msg);
  // @ts-expect-error no way of forking
  req.proxy({ forking: 'both' });
  // @ts-expect-error a time is a text or a number
  req.proxy({ finalTimeout: true });
  // @ts-expect-error the results say connected
  req.proxy().then((results) => results.isConnected);
  // @ts-expect-error whether nobody answered must be asked
  req.proxy().then((results) => results.finalStatus.toFixed());
  // @ts-expect-error a response has a status
  req.on('response', (res: drachtio.Response) => res.code);
  // @ts-expect-error read only
  res.finalResponseSent = true;
});

// @ts-expect-error it may be no URI at all
drachtio.parseUri('sip:a@b').host;
// @ts-expect-error a telephone number has no host
drachtio.parseUri({ scheme: 'tel', schema: 'tel', number: '1', context: null, params: {} }).host;
// @ts-expect-error a message is made of its parts
new drachtio.SipMessage({ colour: 'blue' });
// @ts-expect-error errors have a code
new drachtio.DrachtioError('text');
