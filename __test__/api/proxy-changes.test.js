'use strict';
// RFC 3261 §16.6: what is changed in a request that is proxied, and requests inside dialogs that pass.

const test = require('node:test');
const assert = require('node:assert/strict');
const { bodyOf, connected, frameOf, request, turns } = require('./support/harness');

const PASSING = 9;

/** The lines that the body of the command says an option with. */
async function linesOf(options) {
  const { engine } = await connected((app) => app.use((req) => req.proxy({ wantsFullResponse: false, ...options }, () => {})));
  engine.receive(request('INVITE'));
  await turns();
  return bodyOf(engine.commands[0]).split('\r\n').filter((line) => line !== '' && line !== 'plan');
}

test('each change is a line of the command', async () => {
  const lines = await linesOf({
    setHeaders: { Subject: 's: 1', 'X-List': ['1', '2'], 'X-Gone': null, 'X-Off': undefined },
    removeHeaders: ['User-Agent', 'Server'],
    preserveRequestUri: true,
    followRoutes: true,
  });
  assert.deepEqual(lines, [
    'set Subject: s: 1',
    'set X-List: 1,2',
    'remove X-Gone',
    'remove X-Off',
    'remove User-Agent',
    'remove Server',
    'request-uri keep',
    'routes follow',
  ]);
  assert.deepEqual(await linesOf({ removeHeaders: 'X-One', preserveRequestUri: false, followRoutes: false }), [
    'remove X-One',
    'request-uri replace',
  ]);
  assert.deepEqual(await linesOf({}), []);
  assert.deepEqual(await linesOf({ stateful: true }), []);
  assert.deepEqual(await linesOf({ stateful: false, wantsFullResponse: undefined }), ['stateless']);
});

test('the hops of a destination are a URI, several, or the value of a Path', async () => {
  const viaOf = async (via) => (await linesOf({ destination: { uri: 'sip:a@b', via } })).filter((line) => line.startsWith('via '));
  assert.deepEqual(await viaOf('sip:edge;lr'), ['via sip:edge;lr']);
  assert.deepEqual(await viaOf(['sip:edge;lr', 'core', '<sip:last;lr>']), ['via <sip:edge;lr>,<sip:core>,<sip:last;lr>']);
  assert.deepEqual(await viaOf('<sip:edge;lr>, <sip:core;lr>'), ['via <sip:edge;lr>, <sip:core;lr>']);
});

test('a change that cannot be meant is an error that names it', async () => {
  const wrong = [
    [{ setHeaders: 'X-A: 1' }, 'DRT_ERR_INVALID_OPTION', /setHeaders/],
    [{ setHeaders: { 'X A': 1 } }, 'DRT_ERR_INVALID_HEADER', /X A/],
    [{ setHeaders: { 'X-A': '1\r\nremove Via' } }, 'DRT_ERR_INVALID_HEADER', /X-A/],
    [{ removeHeaders: [1] }, 'DRT_ERR_INVALID_OPTION', /removeHeaders/],
    [{ removeHeaders: 'X-A\r\nrequest-uri keep' }, 'DRT_ERR_INVALID_HEADER', /X-A/],
    [{ preserveRequestUri: 'yes' }, 'DRT_ERR_INVALID_OPTION', /preserveRequestUri/],
    [{ followRoutes: 1 }, 'DRT_ERR_INVALID_OPTION', /followRoutes/],
    [{ stateful: 0 }, 'DRT_ERR_INVALID_OPTION', /stateful/],
    [{ stateful: false, destination: ['sip:a', 'sip:b'] }, 'DRT_ERR_INVALID_OPTION', /destination/],
    [{ stateful: false, followRedirects: true }, 'DRT_ERR_INVALID_OPTION', /followRedirects/],
    [{ stateful: false, finalTimeout: '2s' }, 'DRT_ERR_INVALID_OPTION', /finalTimeout/],
    [{ destination: { uri: 'sip:a@b', via: [] } }, 'DRT_ERR_INVALID_OPTION', /via/],
    [{ destination: { uri: 'sip:a@b', via: '<sip:a>\r\nremove X' } }, 'DRT_ERR_INVALID_OPTION', /via/],
  ];
  for (const [options, code, names] of wrong) {
    let thrown;
    const { engine } = await connected((app) => app.use((req, res) => {
      try {
        req.proxy(options);
      } catch (err) {
        thrown = err;
      }
      res.send(500);
    }));
    engine.receive(request('INVITE'));
    await turns();
    assert.equal(thrown?.code, code, JSON.stringify(options));
    assert.match(thrown.message, names);
  }
});

/** A request inside a dialog that passes, and the commands that come of it. */
async function passed(prepare, method = 'BYE') {
  const { app, engine } = await connected(prepare);
  engine.drain();
  engine.post(PASSING, 0, ...frameOf(request(method))).ring();
  await turns();
  return { app, engine, commands: engine.drain() };
}

test('who has handlers for requests inside dialogs asks for them, once', async () => {
  const { engine } = await connected((app) => app.onInDialog(() => {}).onInDialog('info', () => {}));
  assert.deepEqual(engine.started.routes, ['in-dialog']);
});

test('the handlers decide; a request that none decides on passes', async () => {
  const seen = [];
  const { commands } = await passed((app) => {
    app.onInDialog('info', () => seen.push('not this one'));
    app.onInDialog((req, res, next) => {
      seen.push([req.method, req.passing, req.app === app]);
      next();
    });
    app.use(() => seen.push('nor a handler of other requests'));
  });
  assert.deepEqual(seen, [['BYE', true, true]]);
  assert.deepEqual(commands.map(({ kind, head }) => [kind, head]), [[4, 'txn-1||||serial||']]);
});

test('a handler answers, or forwards with changes', async () => {
  const refused = await passed((app) => app.onInDialog((req, res) => res.send(403)));
  assert.equal(refused.commands.length, 1);
  assert.match(refused.commands[0].text, /^SIP\/2\.0 403 /);
  const changed = await passed((app) => app.onInDialog((req) => req.proxy({ setHeaders: { 'X-A': 1 } })));
  assert.equal(changed.commands[0].head, 'txn-1||fullResponse||serial||');
  assert.equal(bodyOf(changed.commands[0]), 'plan\r\nprogress\r\nset X-A: 1\r\n');
});

test('a handler that fails has not agreed', async (t) => {
  const shown = t.mock.method(console, 'error', () => {});
  const { commands } = await passed((app) => app.onInDialog(() => Promise.reject(new Error('broken'))));
  assert.match(commands[0].text, /^SIP\/2\.0 500 /);
  assert.equal(shown.mock.callCount(), 1);
});

test('where a request inside a dialog goes is not to be chosen', async () => {
  for (const option of ['destination', 'remainInDialog', 'forking', 'preserveRequestUri', 'followRoutes', 'followRedirects']) {
    let thrown;
    await passed((app) => app.onInDialog((req, res, next) => {
      try {
        req.proxy({ [option]: true });
      } catch (err) {
        thrown = err;
      }
      next();
    }));
    assert.equal(thrown?.code, 'DRT_ERR_INVALID_OPTION', option);
    assert.match(thrown.message, new RegExp(option));
  }
});
