'use strict';
// docs/compatibility.md: every test that it names is there, and no member is missing in it.

const test = require('node:test');
const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const ts = require('typescript');
const drachtio = require('../..');
const { ROOT, withoutTests } = require('./support/named_tests');

const document = readFileSync(join(ROOT, 'docs/compatibility.md'), 'utf8');

/** The sections by their titles. */
const sections = new Map(document.split(/^## /m).slice(1).map((text) => [text.slice(0, text.indexOf('\n')), text]));

/** The rows of a text that are no head of a table. */
const rowsOf = (text) => text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| |'));

/** What stands in a section as code: in the first cell of its rows, and in what it says is new. */
function namesIn(title) {
  const text = sections.get(title);
  const told = [...rowsOf(text).map((row) => row.split(' | ')[0]), ...text.split('\n').filter((line) => line.startsWith('New: '))].join(' ');
  return new Set([...told.matchAll(/`([^`]+)`/g)].flatMap(([, code]) => code.match(/[\w$:]+/g)));
}

const declared = ts.createSourceFile('index.d.ts', readFileSync(join(ROOT, 'index.d.ts'), 'utf8'), ts.ScriptTarget.Latest, true)
  .statements.find(ts.isModuleDeclaration).body.statements;

/** What the types say that an interface or class has. */
function typed(...names) {
  return declared
    .filter((node) => node.members && names.includes(node.name.text))
    .flatMap((node) => node.members.flatMap(({ name }) => (name === undefined ? [] : [name.getText().replace(/^['[]|[\]']$/g, '').replace('Symbol.', '')])));
}

/** What an object has that is not every emitter's. */
function found(object) {
  const names = [];
  for (let at = object; at !== null && at !== EventEmitter.prototype && at !== Object.prototype; at = Object.getPrototypeOf(at)) names.push(...Object.getOwnPropertyNames(at));
  return names.filter((name) => !name.startsWith('_') && !IGNORED.has(name));
}

/** Of every function; of every class; and what subclasses have in the place of an emitter's. */
const IGNORED = new Set(['length', 'name', 'prototype', 'arguments', 'caller', 'apply', 'bind', 'call', 'constructor', 'on', 'addListener', 'removeListener', 'makeMessage', 'existingMessage']);

/** What the agent tells its sessions' links by, and the links the agent: not for applications. */
const INTERNAL = new Set([
  'lost', 'serverConnected', 'serverFailed', 'serverReconnecting', 'serverDisconnected', 'serverGivenUp', 'noteDialog', 'recorded', 'heed',
  'connectionClosed', 'onInDialog', 'decide',
]);

const MEMBERS = {
  'The module': Object.keys(drachtio),
  Applications: [...found(drachtio()), ...typed('App', 'AppEvents', 'ServerOptions', 'ReconnectOptions', 'ListenOptions')],
  Agents: [...found(new drachtio.Agent(() => {})).filter((name) => !INTERNAL.has(name)), ...typed('Agent')],
  'Sending requests': typed('RequestOptions'),
  Requests: [...found(new drachtio.Request()), ...typed('Request', 'Carrier', 'MessageAccess', 'RequestEvents')].filter((name) => !['response', 'authenticate', 'cancel'].includes(name)),
  Responses: [...found(new drachtio.Response()), ...typed('Response', 'Carrier', 'MessageAccess', 'ResponseEvents')],
  Messages: [...found(new drachtio.SipMessage()), ...typed('SipMessage', 'MessageAccess')],
};

for (const [title, members] of Object.entries(MEMBERS)) {
  test(`${title}: every member is there`, () => {
    const names = namesIn(title);
    assert.ok(members.length > 0);
    assert.deepEqual([...new Set(members)].filter((name) => !names.has(name)), []);
  });
}

test('each row has a test that is there', () => {
  for (const text of sections.values()) assert.ok(rowsOf(text).length > 0);
  assert.deepEqual(withoutTests(rowsOf(document)), []);
});

test('the sharp checks are there, with a stand-in for the engine and one for a server', () => {
  const numbers = (file) => new Set([...readFileSync(join(__dirname, file), 'utf8').matchAll(/^test\('(\d+): /gm)].map(([, number]) => Number(number)));
  for (const file of ['drop-in.test.js', '../client/drop-in.test.js']) assert.deepEqual([...numbers(file)], Array.from({ length: 25 }, (_, i) => i + 1), file);
});
