'use strict';
// Proxying a request.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, request, response, startLine, headerLines, turns } = require('./support/harness');
const { proxied } = require('./support/proxied');

test('the command is that of the drachtio protocol', async () => {
  const destination = ['sip:b@127.0.0.1:5080', 'tel:+123', '1.2.3.4'];
  const { command } = await proxied((req) => req.proxy({
    destination,
    recordRoute: true,
    followRedirects: true,
    forking: 'simultaneous',
    provisionalTimeout: '2s',
    finalTimeout: '1500ms',
    headers: { 'X-A': 1 },
  }, () => {}));
  assert.equal(command.kind, 4);
  assert.equal(command.head, 'txn-1|remainInDialog|fullResponse|followRedirects|simultaneous|2s|1500ms|sip:b@127.0.0.1:5080|tel:+123|sip:1.2.3.4');
  assert.equal(startLine(command), 'INVITE sip:b@127.0.0.1:5080 SIP/2.0');
  assert.deepEqual(headerLines(command), ['X-A: 1']);
});

test('the defaults: serial, to the request-URI, not on the path of the dialog', async () => {
  const { command } = await proxied((req) => req.proxy());
  assert.equal(command.head, 'txn-1||fullResponse||serial|||sip:bob@127.0.0.1');
});

test('each name of remainInDialog and of the ways of forking is understood', async () => {
  const flag = async (options, at) => (await proxied((req) => req.proxy(Object.freeze(options), () => {}))).command.head.split('|')[at];
  assert.equal(await flag({ remainInDialog: true }, 1), 'remainInDialog');
  assert.equal(await flag({ path: true }, 1), 'remainInDialog');
  assert.equal(await flag({ remainInDialog: false }, 1), '');
  assert.equal(await flag({ forking: 'parallel' }, 4), 'simultaneous');
  assert.equal(await flag({ forking: 'sequential' }, 4), 'serial');
  assert.equal(await flag({ wantsFullResponse: false }, 2), '');
});

test('a scheme is added only where there is none', async () => {
  const { command } = await proxied((req) => req.proxy({ destination: ['sips:z@y.example', 'SIP:a@b.example', 'host:5070', '[::1]:5080'] }, () => {}));
  assert.deepEqual(command.head.split('|').slice(7), ['sips:z@y.example', 'SIP:a@b.example', 'sip:host:5070', 'sip:[::1]:5080']);
});

test('a wrong option is an error that names it', async () => {
  const errors = [];
  const wrong = [
    { destination: [] },
    { destination: 'a b' },
    { destination: 'sip:a|b' },
    { destination: 42 },
    { destination: 'sip:a@b\r\nX: y' },
    { forking: 'both' },
    { provisionalTimeout: '2 seconds' },
    { finalTimeout: '2m' },
    { finalTimeout: -1 },
    { finalTimeout: NaN },
    { remainInDialog: 'yes' },
    { followRedirects: 256 },
    { followRedirects: 'yes' },
    { signal: {} },
    { headers: 'X-A: 1' },
    { wantsFullResponse: 0 },
    { remainInDialogue: true },
  ];
  const { engine } = await connected((app) => app.use((req) => {
    for (const options of wrong) assert.throws(() => req.proxy(options), (err) => Boolean(errors.push(err)));
  }));
  engine.receive(request('INVITE'));
  await turns();
  assert.deepEqual(errors.map(({ code }) => code), wrong.map(() => 'DRT_ERR_INVALID_OPTION'));
  errors.forEach(({ message }, at) => assert.match(message, new RegExp(`'${Object.keys(wrong[at])[0]}'`)));
  assert.deepEqual(engine.commands, []);
});

test('with a callback the request is returned, and the results are grouped by where they came from', async () => {
  let told;
  const { app, engine, command, returned } = await proxied((req) => req.proxy({ destination: ['a', 'b'] }, (...args) => {
    told = [req, ...args];
  }));
  const from = (address, port) => ({ address, port, time: '18:10:00.1' });
  engine.branch(command, response(486, 'Busy Here'), from('10.1.1.1', 5060));
  engine.branch(command, response(401, 'Unauthorized'), from('10.1.1.1', 5060));
  engine.branch(command, response(404, 'Not Found'), from('10.1.1.1', 5070));
  engine.branch(command, response(503, 'Service Unavailable'), from('10.1.1.2', 5060));
  assert.equal(told, undefined);
  assert.equal(app.idle, false);
  engine.finish(command);
  const [req, err, results] = told;
  assert.equal(returned, req);
  assert.equal(err, null);
  assert.equal(results.connected, false);
  assert.equal(results.finalStatus, 401);
  assert.equal(results.finalResponse.msg.reason, 'Unauthorized');
  assert.equal(results.finalResponse.time, '18:10:00.1');
  const shape = results.responses.map(({ address, port, msgs }) => [address, port, msgs.map(({ status }) => status)]);
  assert.deepEqual(shape, [['10.1.1.1', 5060, [486, 401]], ['10.1.1.1', 5070, [404]], ['10.1.1.2', 5060, [503]]]);
  assert.equal(app.idle, true);
});

test('any 2xx connects, whatever else was said', async () => {
  const { engine, command, returned } = await proxied((req) => req.proxy({ destination: ['a', 'b'] }));
  engine.branch(command, response(603, 'Decline'));
  engine.branch(command, response(202, 'Accepted'));
  engine.branch(command, response(486, 'Busy Here'));
  engine.finish(command);
  const { connected: isConnected, finalStatus } = await returned;
  assert.deepEqual([isConnected, finalStatus], [true, 202]);
});

test('the best of several failures is the one that a proxy would forward', async () => {
  const best = async (...statuses) => {
    const { engine, command, returned } = await proxied((req) => req.proxy());
    for (const status of statuses) engine.branch(command, response(status, 'x'));
    engine.finish(command);
    return (await returned).finalStatus;
  };
  assert.equal(await best(486, 603, 302), 603);
  assert.equal(await best(500, 486, 404), 486);
  assert.equal(await best(500, 302, 486), 302);
  assert.equal(await best(503, 500), 500);
  assert.equal(await best(404, 407), 407);
});

test('no response at all is an empty result', async () => {
  const { engine, command, returned } = await proxied((req) => req.proxy());
  engine.finish(command);
  assert.deepEqual(await returned, { connected: false, responses: [], branches: [] });
});

test('what the engine has told the caller itself is the final status', async () => {
  const { engine, command, returned } = await proxied((req) => req.proxy());
  engine.branch(command, response(503, 'Service Unavailable'));
  engine.branch(command, response(500, 'Server Internal Error'), { source: 'application' });
  engine.finish(command);
  const { finalStatus, finalResponse } = await returned;
  assert.deepEqual([finalStatus, finalResponse.status], [500, 500]);
});

test('times are texts or numbers of milliseconds', async () => {
  const { command } = await proxied((req) => req.proxy({ provisionalTimeout: 1500, finalTimeout: '20s' }));
  assert.deepEqual(command.head.split('|').slice(5, 7), ['1500ms', '20s']);
});

test('the options stay as they are, and may be frozen', async () => {
  const freeze = (value) => {
    Object.values(value).filter((one) => typeof one === 'object').forEach(freeze);
    return Object.freeze(value);
  };
  const options = freeze({ destination: [{ uri: 'a', q: 0.1 }, { uri: 'b', q: 0.9, headers: { 'X-A': [1, 2] } }], headers: { 'X-B': 'x' } });
  const { command } = await proxied((req) => req.proxy(options));
  assert.deepEqual(command.head.split('|').slice(7), ['sip:b', 'sip:a']);
});

test('a refusal is an error of the callback, or rejects the promise', async (t) => {
  t.mock.method(console, 'error', () => {});
  let told;
  const first = await proxied((req) => req.proxy({}, (err) => {
    told = err;
  }));
  first.engine.refuse(first.command, 'Unknown transaction id: txn-1', 'DRT_ERR_UNKNOWN_TRANSACTION');
  assert.equal(String(told), 'Unknown transaction id: txn-1');
  assert.equal(told.code, 'DRT_ERR_UNKNOWN_TRANSACTION');
  const second = await proxied((req) => req.proxy());
  second.engine.refuse(second.command, 'no');
  await assert.rejects(second.returned, { message: 'no' });
});

test('a request that the engine would not proxy can still be answered, and is by default', async (t) => {
  t.mock.method(console, 'error', () => {});
  const byHand = await proxied((req) => req.proxy({}, () => req.res.send(480)));
  byHand.engine.refuse(byHand.command, 'no');
  const byDefault = await proxied(async (req) => {
    await req.proxy();
  });
  byDefault.engine.refuse(byDefault.command, 'no');
  await turns();
  assert.deepEqual(byHand.engine.commands.slice(1).map(startLine), ['SIP/2.0 480 Temporarily Unavailable']);
  assert.deepEqual(byDefault.engine.commands.slice(1).map(startLine), ['SIP/2.0 500 Server Internal Error']);
});

test('a proxied INVITE that the caller cancels has its cancel event', async () => {
  let cancelled = 0;
  const { engine, command } = await proxied((req) => req.on('cancel', () => cancelled++).proxy({}, () => {}));
  engine.receive(request('CANCEL'));
  engine.finish(command);
  assert.equal(cancelled, 1);
});

test('only requests that came can be proxied', async () => {
  const { app, engine } = await connected();
  const promise = app.request('sip:a@b.example', { method: 'INVITE' });
  await turns();
  engine.accept(engine.commands[0], {}, request('INVITE'));
  const req = await promise;
  assert.throws(() => req.proxy({ destination: 'a' }), { message: 'Request#proxy can only be used for incoming requests' });
});
