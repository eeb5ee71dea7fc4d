'use strict';
// Contacts: where to listen, and how that place is known to others.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { CONTACTS } = require('../../lib/contact_options');
const { readClosedConnection } = require('../../lib/closed_connection');
const { readOptions } = require('../../lib/option_kinds');

const readContacts = (contact) => readOptions('connect', CONTACTS, contact, 'contact');

const full = {
  uri: 'sip:10.0.0.5:5060',
  externalIp: '203.0.113.7:15060',
  localNet: ['10.0.0.0/8', 'fd00::/8'],
  dnsNames: ['sip.example.com'],
};

test('a URI, an object, or an array of both', () => {
  assert.deepEqual(readContacts('sip:*'), [{ uri: 'sip:*' }]);
  assert.deepEqual(readContacts(full), [full]);
  assert.deepEqual(readContacts(['sip:*', full]), [{ uri: 'sip:*' }, full]);
});

test('what is wrong is named', () => {
  for (const [contact, name] of [
    ['', 'contact'],
    [5060, 'contact'],
    [null, 'contact'],
    [[], 'contact'],
    [['sip:*', ''], 'contact[1]'],
    [[['sip:*']], 'contact[0]'],
    [{}, 'contact.uri'],
    [{ uri: '' }, 'contact.uri'],
    [{ uri: 'sip:*', externalIp: 1 }, 'contact.externalIp'],
    [{ uri: 'sip:*', localNet: '10.0.0.0/8' }, 'contact.localNet'],
    [['sip:*', { uri: 'sip:*', localNet: ['10.0.0.0/8', 7] }], 'contact[1].localNet[1]'],
    [{ uri: 'sip:*', dnsNames: 'sip.example.com' }, 'contact.dnsNames'],
    [{ uri: 'sip:*', externalIP: '203.0.113.7' }, 'contact.externalIP'],
  ]) {
    assert.throws(
      () => readContacts(contact),
      (err) => err.code === 'DRT_ERR_INVALID_OPTION' && err.message.includes(`'${name}'`),
      JSON.stringify(contact),
    );
  }
});

test('the end of a connection is read from its lines', () => {
  const lines = ['tcp|2001:db8::9|40000', 'contact sip:a@x.invalid', 'dialog a b|c;from-tag=1', 'request 0-1', 'contact sip:b@y'];
  assert.deepEqual(readClosedConnection(lines.join('\r\n')), {
    protocol: 'tcp',
    source_address: '2001:db8::9',
    source_port: 40000,
    registrations: ['sip:a@x.invalid', 'sip:b@y'],
    dialogs: ['a b|c;from-tag=1'],
    requests: ['0-1'],
  });
});
