// `npm run reference`: writes docs/reference.md from the types in index.d.ts and testing.d.ts.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { isMain, root } from './tools.mjs';

const PAGE = join(root, 'docs/reference.md');

const HEAD = `# Reference

Everything that \`require('drachtio')\` has, made from the types in \`index.d.ts\` by \`npm run reference\`. What an editor shows
is the same. For how things go together see the [guide](guide/README.md); for errors, [errors.md](errors.md).
`;

const TESTING = `# Reference of drachtio/testing

Everything that \`require('drachtio/testing')\` has, made from \`testing.d.ts\`. See [testing.md](testing.md).
`;

/** The text of docs/reference.md. */
export function reference() {
  const { declared, exported } = read('index.d.ts');
  const functions = declared.filter(ts.isFunctionDeclaration);
  const testing = read('testing.d.ts').declared.filter((node) => nameOf(node) !== undefined);
  return [HEAD, ...part([...functions, ...exported]), TESTING, ...part(testing)].join('\n');
}

/** A table of contents, and what it leads to. */
function part(entries) {
  return [contents(entries), ...[...groupsOf(entries)].map(([name, nodes]) => section(name, nodes))];
}

/** The statements of the file, and those of the namespace in it. */
function read(name) {
  const text = readFileSync(join(root, name), 'utf8');
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const declared = [...file.statements];
  const exported = declared.filter(ts.isModuleDeclaration).flatMap(({ body }) => [...body.statements]);
  return { declared, exported: exported.filter((node) => nameOf(node) !== undefined) };
}

/** Overloads and what is declared twice belong together. */
function groupsOf(nodes) {
  const groups = new Map();
  for (const node of nodes) {
    const name = nameOf(node);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(node);
  }
  return groups;
}

function nameOf(node) {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations[0].name.getText();
  return node.name?.getText();
}

function contents(nodes) {
  const names = [...groupsOf(nodes).keys()];
  return `${names.map((name) => `[${name}](#${name.toLowerCase()})`).join(' · ')}\n`;
}

function section(name, nodes) {
  const [node] = nodes;
  const parts = [`## ${name}\n`, ...nodes.map(prose).filter((text, i, all) => text && all.indexOf(text) === i)];
  if (ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node)) {
    const base = nodes.flatMap(({ heritageClauses = [] }) => heritageClauses.map((clause) => clause.getText()));
    if (base.length > 0) parts.push(`*${[...new Set(base)].join(', ')}*\n`);
    parts.push(table(nodes.flatMap(({ members }) => [...members])));
  } else {
    parts.push(code(nodes.map(declarationOf)));
  }
  return parts.join('\n');
}

/** What stands above a declaration: its text, default and examples. */
function prose(node) {
  const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  return docs.map((doc) => `${[textOf(doc.comment), ...examplesOf(doc)].filter(Boolean).join('\n\n')}\n`).join('');
}

function examplesOf(doc) {
  return (doc.tags ?? []).filter((tag) => tag.tagName.text === 'example').map((tag) => code([textOf(tag.comment)]).trim());
}

/** The members of an interface or class, a row for each, and one for all overloads of it. */
function table(members) {
  const groups = new Map();
  for (const member of members) {
    if (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) continue;
    const name = memberName(member);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(member);
  }
  if (groups.size === 0) return '';
  const rows = [...groups].map(([name, [...all]]) => {
    const types = all.map((member) => `\`${cell(signatureOf(member))}\``).join('<br>');
    const [said = ''] = all.map(summary).filter(Boolean);
    return `| \`${name}\` | ${types} | ${cell(said)} |`;
  });
  return ['| | type | |', '|---|---|---|', ...rows, ''].join('\n');
}

function memberName(member) {
  if (ts.isConstructorDeclaration(member)) return 'new';
  if (ts.isCallSignatureDeclaration(member)) return '()';
  return `${member.name?.getText() ?? '[…]'}${member.questionToken ? '?' : ''}`;
}

function signatureOf(member) {
  if (ts.isPropertySignature(member) || ts.isPropertyDeclaration(member) || ts.isGetAccessor(member)) {
    return oneLine(member.type?.getText() ?? 'unknown');
  }
  const parameters = member.parameters?.map((parameter) => oneLine(parameter.getText())).join(', ') ?? '';
  const returns = member.type ? `: ${oneLine(member.type.getText())}` : '';
  return `(${parameters})${returns}`;
}

function summary(member) {
  const docs = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
  return docs.map((doc) => {
    const tags = (doc.tags ?? []).map((tag) => tagText(tag)).filter(Boolean);
    return [textOf(doc.comment), ...tags].join(' ');
  }).join(' ');
}

function tagText(tag) {
  const text = textOf(tag.comment);
  if (tag.tagName.text === 'defaultValue') return `Default: ${text}.`;
  if (tag.tagName.text === 'param') return `\`${tag.name.getText()}\`: ${text.replace(/^- /, '')}.`;
  if (tag.tagName.text === 'throws') return `Throws ${text}.`;
  if (tag.tagName.text === 'deprecated') return `Deprecated: ${text}`;
  return '';
}

function declarationOf(node) {
  return node.getText().replace(/^(export |declare )+/, '');
}

function textOf(comment) {
  return ts.getTextOfJSDocComment(comment)?.trim() ?? '';
}

function code(lines) {
  return ['```ts', ...lines, '```', ''].join('\n');
}

const oneLine = (text) => text.replace(/\/\*[^]*?\*\//g, '').replace(/\s+/g, ' ').trim();
const cell = (text) => oneLine(text).replaceAll('|', '\\|');

if (isMain(import.meta)) writeFileSync(PAGE, reference());
