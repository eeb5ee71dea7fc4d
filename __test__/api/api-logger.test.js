'use strict';
// app.set('api logger'): every command and event as text.

const test = require('node:test');
const assert = require('node:assert/strict');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { PassThrough } = require('node:stream');
const { connected, drachtio, request, turns } = require('./support/harness');

async function options(prepare) {
  const { app, engine } = await connected((a) => {
    prepare(a);
    a.options((req, res) => res.send(200));
  });
  engine.receive(request('OPTIONS', { body: 'grüße' }));
  await turns();
  return { app, engine };
}

test('a function gets the texts', async () => {
  const texts = [];
  const { app, engine } = await options((a) => a.set('api logger', (text) => texts.push(text)));
  assert.equal(texts.length, 2);
  assert.match(texts[0], /^<===\r\n1\|0\|network\|\d+\|udp\|10\.0\.0\.9\|5090\|.*\r\nOPTIONS sip:bob@127\.0\.0\.1 SIP\/2\.0\r\n[\s\S]*grüße\r\n$/);
  assert.match(texts[1], /^===>\r\n3\|\d+\|txn-1\|\|\r\nSIP\/2\.0 200 OK\r\n/);
  app.set('api logger', null);
  engine.receive(request('OPTIONS'));
  assert.equal(texts.length, 2);
});

test('a stream gets the texts, also when it is given after connect', async () => {
  const stream = new PassThrough({ encoding: 'utf8' });
  const { app, engine } = await options(() => {});
  app.set('api logger', stream);
  engine.receive(request('OPTIONS'));
  assert.match(stream.read(), /OPTIONS sip:bob/);
});

test('a file gets the texts', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'drachtio-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'api.log');
  const { app } = await options((a) => a.set('api logger', file));
  app.set('api logger', null);
  const read = () => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  };
  while (!read().includes('===>')) await turns();
  assert.match(read(), /SIP\/2\.0 200 OK/);
});

test('anything else is an error', () => {
  for (const target of [42, {}, true]) {
    assert.throws(() => drachtio().set('api logger', target), { code: 'DRT_ERR_INVALID_OPTION' });
  }
});
