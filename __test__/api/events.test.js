'use strict';
// Requests and responses as emitters of events.

const test = require('node:test');
const assert = require('node:assert/strict');
const { EventEmitter, once } = require('node:events');
const { drachtio } = require('./support/harness');

for (const make of [() => new drachtio.Request(), () => new drachtio.Response(), () => drachtio()]) {
  test(`${make().constructor.name} is an EventEmitter with everything that belongs to one`, async () => {
    const emitter = make();
    assert.ok(emitter instanceof EventEmitter);
    assert.equal(emitter.emit('nobody'), false);
    assert.equal(emitter.listenerCount('x'), 0);
    const seen = [];
    const listener = (value) => seen.push(value);
    assert.equal(emitter.on('x', listener).addListener('x', listener).once('x', listener).prependListener('x', listener), emitter);
    assert.equal(emitter.listenerCount('x'), 4);
    assert.equal(emitter.emit('x', 1), true);
    emitter.off('x', listener);
    emitter.emit('x', 2);
    emitter.removeAllListeners();
    emitter.emit('x', 3);
    assert.deepEqual(seen, [1, 1, 1, 1, 2, 2]);
    assert.deepEqual(emitter.eventNames(), []);
    assert.throws(() => emitter.emit('error', new Error('nobody listens')), { message: 'nobody listens' });
    const waiting = once(emitter, 'y');
    emitter.emit('y', 4);
    assert.deepEqual(await waiting, [4]);
    assert.equal(emitter.setMaxListeners(3).getMaxListeners(), 3);
  });
}

test('two requests do not share their listeners', () => {
  const [a, b] = [new drachtio.Request(), new drachtio.Request()];
  a.on('x', () => {});
  assert.equal(b.listenerCount('x'), 0);
});
