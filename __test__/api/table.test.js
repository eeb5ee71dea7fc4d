'use strict';
// The table of what comes and goes is used like a Map, but for what old storage of a Map keeps alive.

const test = require('node:test');
const assert = require('node:assert/strict');
const { Table } = require('../../lib/table');

test('what is set is got, in the order in which it came, until it is deleted', () => {
  const table = new Table();
  assert.equal(table.set('a', 1).set('b', 2).set('c', 3), table);
  table.set('a', 4);
  assert.deepEqual([...table], [['a', 4], ['b', 2], ['c', 3]]);
  assert.deepEqual([table.delete('b'), table.delete('b'), table.get('b'), table.size], [true, false, undefined, 2]);
  assert.deepEqual([...table.keys()], ['a', 'c']);
  assert.deepEqual([...table.values()], [4, 3]);
  table.clear();
  assert.deepEqual([table.size, [...table]], [0, []]);
});

test('entries may be deleted while they are looked through', () => {
  const table = new Table();
  for (let i = 0; i < 100; i++) table.set(i, i);
  for (const key of table.keys()) if (key % 2 === 0) table.delete(key);
  assert.equal(table.size, 50);
});
