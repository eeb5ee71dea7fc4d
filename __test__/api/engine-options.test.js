'use strict';
// The options of the engine: what is accepted, what is refused, and that it is documented.

const test = require('node:test');
const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const ts = require('typescript');
const { ENGINE_OPTIONS } = require('../../lib/engine_options');
const { list, text, word } = require('../../lib/option_kinds');
const { FakeEngine, drachtio } = require('./support/harness');
const { everyOption, withOption } = require('./support/options');

const read = (file) => readFileSync(join(__dirname, '../..', file), 'utf8');

test('what is given reaches the engine', () => {
  drachtio().connect({ engine: { timers: { t1: 100, t2: undefined }, limits: {} } });
  assert.deepEqual(FakeEngine.last.started.engine, { timers: { t1: 100 }, limits: {} });
  drachtio().connect({});
  assert.deepEqual(FakeEngine.last.started.engine, {});
});

test('an unknown option is an error with its full name', () => {
  const refused = (engine, name) => {
    assert.throws(() => drachtio().connect({ engine }), { code: 'DRT_ERR_INVALID_OPTION', message: new RegExp(`^connect: unknown option '${name}'; known here: `) });
  };
  refused({ timer: {} }, 'engine.timer');
  refused({ timers: { t3: 1 } }, 'engine.timers.t3');
  refused({ timers: { constructor: 1 } }, 'engine.timers.constructor');
  refused(JSON.parse('{"__proto__": {}}'), 'engine.__proto__');
});

test('the error of an unknown option says which there are', () => {
  assert.throws(() => drachtio().connect({ engine: { sessionTimers: { expire: 90 } } }), {
    message: "connect: unknown option 'engine.sessionTimers.expire'; known here: expires, minSE, refresher",
  });
  assert.throws(() => drachtio().connect({ contcat: 'sip:*' }), { message: "connect: unknown option 'contcat'; known here: contact, engine, observe" });
});

test('an error names the call that it is of, in its stack as well', () => {
  const app = drachtio();
  app.connect();
  const says = (act, text) => assert.throws(act, (err) => err.message.startsWith(text) && err.stack.includes(text));
  says(() => app.setScreening({ block: [] }), "setScreening: unknown option 'block'");
  says(() => app.setScreening({ blocked: '10.0.0.1' }), "setScreening: option 'blocked' must be an array");
  says(() => app.setScreening(null), 'setScreening: the options must be an object');
});

test('an option of a wrong kind is an error with its full name', () => {
  const wrong = (engine, name) => {
    assert.throws(() => drachtio().connect({ engine }), { name: 'TypeError', code: 'DRT_ERR_INVALID_OPTION', message: new RegExp(`'${name}' must be`) });
  };
  for (const value of [null, [], 'fast', 7]) {
    wrong(value, 'engine');
    wrong({ timers: value }, 'engine.timers');
  }
  for (const value of ['500', 0, -1, 0.5, Number.NaN, Infinity, 2 ** 40, null, true, [500]]) wrong({ timers: { t1: value } }, 'engine.timers.t1');
});

for (const { name, kind } of everyOption()) {
  test(`${name}: its example is accepted, a wrong value is refused`, () => {
    drachtio().connect({ engine: withOption(name, kind.example) });
    assert.deepEqual(FakeEngine.last.started.engine, withOption(name, kind.example));
    for (const value of [null, () => {}, Symbol('x')]) {
      assert.throws(() => drachtio().connect({ engine: withOption(name, value) }), {
        code: 'DRT_ERR_INVALID_OPTION',
        message: `connect: option 'engine.${name}' must be ${kind.says}`,
      });
    }
  });
}

test('kinds of values that are not numbers', () => {
  const refused = (kind, value, name) => assert.throws(() => kind.read(value, 'o'), { message: new RegExp(`'${name}' must be ${kind.says}`.replace(/[[\]]/g, '\\$&')) });
  const file = text('the name of a file', 'a.pem');
  assert.equal(file.read('b.pem', 'o'), 'b.pem');
  refused(file, '', 'o');
  const colour = word('red', 'blue');
  assert.equal(colour.read('blue', 'o'), 'blue');
  refused(colour, 'green', 'o');
  assert.deepEqual(list(colour).read(['red', 'blue'], 'o'), ['red', 'blue']);
  assert.throws(() => list(colour).read(['red', 'green'], 'o'), { message: "option 'o[1]' must be 'red' or 'blue'" });
  refused(list(colour), 'red', 'o');
});

test('docs/options.md has a row for every option, with the values that are accepted', () => {
  const rows = read('docs/options.md').split('\n').filter((line) => line.startsWith('| `'));
  const documented = rows.map((row) => row.split('|').slice(1, 3).map((cell) => cell.trim()));
  assert.deepEqual(documented, everyOption().map(({ name, kind }) => [`\`${name}\``, kind.says]));
});

test('the types have a member for every option, which names its range, and no other', () => {
  const source = ts.createSourceFile('index.d.ts', read('index.d.ts'), ts.ScriptTarget.Latest, true);
  const interfaces = source.statements.find(ts.isModuleDeclaration).body.statements.filter(ts.isInterfaceDeclaration);
  const compare = (typeName, kind) => {
    const members = interfaces.find((node) => node.name.text === typeName).members;
    assert.deepEqual(members.map((member) => member.name.getText()), Object.keys(kind.entries), typeName);
    for (const member of members) {
      const entry = kind.entries[member.name.getText()];
      if (entry.entries !== undefined) compare(member.type.getText(), entry);
      const [, unit, min, max] = /^a whole number(?: of (\w+))? from (\d+) to (\d+)$/.exec(entry.says) ?? [];
      const range = `${Number(min).toLocaleString('en-US')} to ${Number(max).toLocaleString('en-US')}${unit === undefined ? '' : ` ${unit}`}.`;
      if (min !== undefined) assert.ok(member.getFullText().includes(range), `${typeName}.${member.name.getText()}: ${range}`);
    }
  };
  compare('EngineOptions', ENGINE_OPTIONS);
});
