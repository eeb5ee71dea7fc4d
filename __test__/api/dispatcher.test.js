'use strict';
// The order in which handlers see a request.

const test = require('node:test');
const assert = require('node:assert/strict');
const { connected, request, startLine, turns, drachtio } = require('./support/harness');

/** The handlers that a request of this method goes through, by what they note in `seen`. */
async function path(method, prepare) {
  const seen = [];
  const { engine } = await connected((app) => prepare(app, (name) => (req, res, next) => {
    seen.push(name);
    next();
  }));
  engine.receive(request(method));
  await turns();
  return { seen, answers: engine.commands.map(startLine) };
}

test('handlers for the beginning of a method see every method that begins so', async () => {
  const prepare = (app, note) => app.use('in', note('in')).use('message', note('message'));
  assert.deepEqual((await path('INVITE', prepare)).seen, ['in']);
  assert.deepEqual((await path('INFO', prepare)).seen, ['in']);
  assert.deepEqual((await path('MESSAGE', prepare)).seen, ['message']);
});

test('handlers may come in arrays of any depth, with and without a method', async () => {
  const { seen } = await path('INVITE', (app, note) => {
    app.use('invite', [note(1), [note(2), [note(3)]]], note(4));
    app.use([note(5), [note(6)]]);
  });
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6]);
});

test('an array of methods means each of them', async () => {
  const prepare = (app, note) => app.use(['invite', 'bye'], note('both'));
  assert.deepEqual((await path('BYE', prepare)).seen, ['both']);
  assert.deepEqual((await path('INVITE', prepare)).seen, ['both']);
  assert.deepEqual((await path('OPTIONS', prepare)).seen, []);
});

test('use() without a handler is a TypeError', () => {
  const app = drachtio();
  for (const args of [[], ['invite'], [[]], [undefined], ['invite', 'bye'], [42, () => {}]]) {
    assert.throws(() => app.use(...args), { name: 'TypeError', message: 'app.use() requires middleware functions' });
  }
});

test('an error goes to the next handler of errors, and from it back to handlers of requests', async () => {
  const seen = [];
  const { engine } = await connected((app) => {
    app.use((err, req, res, next) => {
      seen.push('never');
      next(err);
    });
    app.use((req, res, next) => {
      seen.push('a');
      next(new Error('E'));
    });
    app.use((req, res, next) => {
      seen.push('skipped');
      next();
    });
    app.use((err, req, res, next) => {
      seen.push(`err:${err.message}`);
      next();
    });
    app.invite((req, res) => {
      seen.push('invite');
      res.send(200);
    });
  });
  engine.receive(request('INVITE'));
  assert.deepEqual(seen, ['a', 'err:E', 'invite']);
});

test('what a handler throws goes the same way', async () => {
  let caught;
  const { engine } = await connected((app) => {
    app.invite(() => {
      throw new Error('thrown');
    });
    app.use((err, req, res, next) => {
      caught = err;
      res.send(486);
      next();
    });
  });
  engine.receive(request('INVITE'));
  await turns();
  assert.equal(caught.message, 'thrown');
  assert.deepEqual(engine.commands.map(startLine), ['SIP/2.0 486 Busy Here']);
});

test('a mounted application takes part, and is the application of the request from then on', async () => {
  const sub = drachtio();
  const apps = [];
  const seen = [];
  const { app, engine } = await connected((a) => {
    a.use((req, res, next) => {
      apps.push(req.app);
      next();
    });
    a.use('invite', sub);
    a.invite((req, res) => {
      apps.push(req.app);
      res.send(200);
    });
  });
  sub.use('bye', () => seen.push('bye'));
  sub.invite((req, res, next) => {
    seen.push('sub');
    next();
  });
  engine.receive(request('INVITE'));
  assert.deepEqual(seen, ['sub']);
  assert.deepEqual(apps, [app, sub]);
  assert.equal(sub.method, 'invite');
});

test('an error of a mounted application goes to the one it is mounted in', async () => {
  const sub = drachtio((req, res, next) => next(new Error('inner')));
  let caught;
  const { engine } = await connected((app) => app.use(sub).use((err, req, res, next) => {
    caught = err.message;
    res.send(500);
    next();
  }));
  engine.receive(request('INVITE'));
  assert.equal(caught, 'inner');
});

test('handlers after a final response are not called', async () => {
  const { seen, answers } = await path('INVITE', (app, note) => {
    app.invite((req, res, next) => {
      res.send(486);
      next();
    });
    app.use(note('later'));
  });
  assert.deepEqual(seen, []);
  assert.deepEqual(answers, ['SIP/2.0 486 Busy Here']);
});

test('an application is a function of a request', async () => {
  const seen = [];
  const inner = drachtio((req, res, next) => {
    seen.push(req.method);
    next();
  });
  const { engine } = await connected((app) => app.use((req, res, next) => inner(req, res, next)));
  engine.receive(request('OPTIONS'));
  assert.deepEqual(seen, ['OPTIONS']);
  assert.equal(typeof inner, 'function');
  assert.equal(inner.length, 3);
});
