'use strict';
// What index.d.ts declares is there, and is documented.

const test = require('node:test');
const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const ts = require('typescript');
const drachtio = require('../..');

const text = readFileSync(join(__dirname, '../../index.d.ts'), 'utf8');
const source = ts.createSourceFile('index.d.ts', text, ts.ScriptTarget.Latest, true);
const namespace = source.statements.find(ts.isModuleDeclaration).body.statements;
const typed = namespace.filter((node) => ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node));

const nameOf = (member) => member.name?.getText().replace(/^'|'$/g, '');

/** The names of the members of a class or interface and of what it extends in this file. */
function membersOf(name) {
  return typed
    .filter((node) => node.name.text === name)
    .flatMap((node) => [
      ...node.members.map(nameOf),
      ...(node.heritageClauses ?? []).flatMap((clause) => clause.types).flatMap((type) => membersOf(type.expression.getText())),
    ])
    .filter(Boolean);
}

const instances = {
  App: drachtio(),
  Agent: new drachtio.Agent(() => {}),
  SipMessage: new drachtio.SipMessage(),
  Request: new drachtio.Request(),
  Response: new drachtio.Response(),
  DrachtioError: new drachtio.DrachtioError('text', 'CODE'),
};

for (const [name, instance] of Object.entries(instances)) {
  test(`every member of ${name} is there`, () => {
    const members = membersOf(name);
    assert.ok(members.length > 0);
    assert.deepEqual(members.filter((member) => !((/^\[Symbol\./.test(member) ? Symbol[member.slice(8, -1)] : member) in instance)), []);
  });
}

test('every method of SIP has a method of the application', () => {
  const { METHODS } = require('../../lib/methods');
  const union = namespace.find((node) => ts.isTypeAliasDeclaration(node) && node.name.text === 'SipMethod');
  assert.deepEqual(union.type.types.map((type) => type.literal.text.toLowerCase()), [...METHODS]);
  for (const method of METHODS) assert.equal(typeof instances.App[method], 'function');
});

test('every class and function is exported, and nothing else', () => {
  const declared = namespace
    .filter((node) => ts.isClassDeclaration(node) || ts.isFunctionDeclaration(node))
    .map((node) => node.name.text);
  assert.deepEqual([...new Set(declared)].sort(), Object.keys(drachtio).sort());
});

test('everything is documented', () => {
  const isDocumented = (node, siblings) => {
    const overloads = siblings.filter((other) => nameOf(other) === nameOf(node));
    return overloads.some((other) => ts.getJSDocCommentsAndTags(other).length > 0);
  };
  const undocumented = [];
  for (const node of namespace) {
    const merged = namespace.filter((other) => nameOf(other) === nameOf(node));
    if (!merged.some((other) => isDocumented(other, [other]))) undocumented.push(nameOf(node));
    // The members of this table are headers.
    if (!node.members || nameOf(node) === 'ParsedHeaders') continue;
    const members = node.members.filter(nameOf);
    undocumented.push(...members.filter((member) => !isDocumented(member, members)).map((member) => `${nameOf(node)}.${nameOf(member)}`));
  }
  assert.deepEqual(undocumented, []);
});

test('nothing is typed as any', () => {
  const found = [];
  const visit = (node) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) found.push(node.parent.getText());
    ts.forEachChild(node, visit);
  };
  visit(source);
  assert.deepEqual(found, []);
});
