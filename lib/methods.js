'use strict';

/** The SIP methods that have a method of their own on an application: `app.invite(…)`. */
const METHODS = Object.freeze([
  'invite',
  'bye',
  'register',
  'info',
  'subscribe',
  'options',
  'message',
  'notify',
  'cancel',
  'update',
  'prack',
  'ack',
  'refer',
  'publish',
]);

module.exports = { METHODS };
