'use strict';
// Forking to 1, 3 and 10 destinations, one after the other and all at once, by every kind of answer, on UDP and TCP
// (RFC 3261 §16.6, §16.7): what the caller, each callee and the application see of each call.

const assert = require('node:assert/strict');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { startApp, until, whatIsLeft } = require('./app');
const { Callees, values } = require('./callees');
const { startNameServer } = require('./dns_server');
const { freePort } = require('./free_port');
const { cells } = require('./proxy_matrix');
const { sipp, sippMissing } = require('./sipp');

const all = cells();
const byId = new Map(all.map((cell) => [cell.id, cell]));
/** By the id of a cell: how `req.proxy` ended. */
const endings = new Map();
/** By the id of a cell: what its caller got, in order. */
const responses = new Map(all.map(({ id }) => [id, []]));

let callees;
let nobody;
let nameServer;
let apps;
const folder = mkdtempSync(path.join(tmpdir(), 'matrix-'));

describe('the matrix of forking', { skip: sippMissing, timeout: 180_000 }, () => {
  before(async () => {
    callees = await Callees.start(10, script);
    nobody = await freePort();
    nameServer = await startNameServer([['example.org', 'A', '127.0.0.1']]);
    const dns = { servers: [nameServer.address] };
    const [patient, hasty] = await Promise.all([
      startApp(proxies, { engine: { dns, timers: { t1: 100 } } }),
      // Timer B, which ends the wait for an answer, is 64 times T1.
      startApp(proxies, { engine: { dns, timers: { t1: 20 } } }),
    ]);
    apps = { patient, hasty };
    const runs = await Promise.all(groups().map(callAll));
    for (const { messages } of runs) sortByCell(messages);
    const waiting = () => all.every(({ id }) => endings.has(id));
    await until(waiting, 10_000);
  });

  after(async () => {
    callees?.stop();
    await nameServer?.stop();
    rmSync(folder, { recursive: true });
  });

  for (const cell of all) {
    test(cell.name, () => {
      callerGotOneFinal(cell);
      for (const [at] of cell.places.entries()) calleeSawItsPart(cell, at);
      if (cell.forking === 'serial') oneAfterTheOther(cell);
      applicationWasTold(cell);
    });
  }

  test('afterwards every engine table is empty', async () => {
    callees.stop(); // What is left of TCP ends with its other end.
    for (const { app } of Object.values(apps)) assert.deepEqual(await whatIsLeft(app), {});
  });
});

/** What the callee `<cell>.<place>` does; `<cell>.<place>.moved` is where a redirection leads. */
function script(callee) {
  const [id, at, moved] = callee.split('.');
  if (moved !== undefined) return [{ status: 180 }, { status: 200 }];
  const steps = byId.get(id)?.places[Number(at)].steps ?? [];
  return steps.map((step) => (step.status === 302 && !step.headers ? { ...step, headers: { Contact: `<${uriOf(byId.get(id), at, '.moved')}>` } } : step));
}

function uriOf(cell, at, suffix = '') {
  const { kind } = cell.places[at];
  const host = kind === 'unresolvable' ? 'nobody.example' : '127.0.0.1';
  const port = kind === 'refused' ? nobody : callees.ports[at];
  return `sip:${cell.id}.${at}${suffix}@${host}:${port};transport=${cell.transport}`;
}

function proxies(app) {
  app.invite((req) => {
    const cell = byId.get(req.calledNumber);
    const { forking, followRedirects } = cell;
    const destination = cell.places.map((_, at) => uriOf(cell, at));
    req.proxy({ destination, forking, followRedirects, remainInDialog: true }, (err, results) => endings.set(cell.id, { err, results }));
  });
}

/** The cells that one SIPp can call: those of one transport, one application and one ending. */
function groups() {
  const found = new Map();
  for (const cell of all) {
    const app = cell.answer === 'silence' ? 'hasty' : 'patient';
    const key = `${app} ${cell.transport} ${cell.status}`;
    if (!found.has(key)) found.set(key, { app, transport: cell.transport, status: cell.status, members: [] });
    found.get(key).members.push(cell);
  }
  return [...found.values()];
}

async function callAll({ app, transport, status, members }) {
  const port = await freePort();
  const users = path.join(folder, `${port}.csv`);
  writeFileSync(users, ['SEQUENTIAL', ...members.map(({ id }) => id), ''].join('\n'));
  return sipp({
    scenario: status === 200 ? 'caller' : 'caller-refused',
    values: { user: '[field0]', status, talk: 100 },
    target: apps[app].address,
    port,
    transport,
    calls: members.length,
    rate: 50,
    seconds: 60,
    args: ['-inf', users],
  }).finished;
}

function sortByCell(messages) {
  const cellOf = new Map();
  for (const { direction, start, text } of messages) {
    const [callId] = values(text, 'Call-ID');
    if (direction === 'sent' && start.startsWith('INVITE')) cellOf.set(callId, /sip:([^@]*)@/.exec(start)[1]);
    else if (direction === 'received') responses.get(cellOf.get(callId))?.push({ status: Number(start.split(' ')[1]), of: values(text, 'CSeq')[0].split(' ')[1], text });
  }
}

/** Of the responses to the INVITE: 100 at once, what rings, and one final response with all that belongs to it. */
function callerGotOneFinal(cell) {
  const toInvite = responses.get(cell.id).filter(({ of }) => of === 'INVITE');
  const finals = toInvite.filter(({ status }) => status >= 200);
  assert.equal(toInvite[0]?.status, 100, 'the first response');
  assert.deepEqual([...new Set(finals.map(({ status }) => status))], [cell.status]);
  assert.equal(new Set(finals.map(({ text }) => values(text, 'To')[0])).size, 1, 'final responses of one callee');
  assert.equal(responses.get(cell.id).some(({ of, status }) => of === 'BYE' && status === 200), cell.status === 200);

  const ringing = new Set(toInvite.filter(({ status }) => status === 180).map(({ text }) => values(text, 'To')[0]));
  const expected = allSteps(cell).filter(({ status }) => status === 180).length;
  // Every callee rings before one of them ends the search. What comes over another connection may be read after that.
  const isCertain = cell.transport === 'udp' || cell.places.length === 1 || cell.forking === 'serial';
  if (isCertain) assert.equal(ringing.size, expected, 'callees that ring');
  else assert.ok(ringing.size >= Math.min(1, expected) && ringing.size <= expected, `${ringing.size} of ${expected} callees ring`);

  const [{ text }] = finals;
  const challenge = { 401: 'WWW-Authenticate', 407: 'Proxy-Authenticate' }[cell.status];
  if (challenge) {
    const challengers = cell.forking === 'serial' ? 1 : cell.places.length;
    const realms = values(text, challenge).map((value) => /realm="(\w+)"/.exec(value)[1]);
    assert.deepEqual(realms.sort(), Array.from({ length: challengers }, (_, at) => `place${at}`).sort(), 'RFC 3261 §16.7 step 7');
  }
  if (cell.status === 302) assert.match(values(text, 'Contact').join(), /elsewhere/);
}

/** The steps of the callees that hear of the call, the ones that a redirection leads to among them. */
function allSteps({ places, followRedirects }) {
  const steps = places.filter(({ isTried }) => isTried).flatMap((place) => place.steps ?? []);
  return followRedirects ? [...steps, ...script('x.0.moved')] : steps;
}

function calleeSawItsPart(cell, at) {
  const place = cell.places[at];
  const seen = callees.call(cell.id).seen.filter(({ callee }) => callee === `${cell.id}.${at}`);
  const heard = (method) => seen.filter((one) => one.direction === 'received' && one.method === method);
  const invites = heard('INVITE');
  if (!place.isTried) {
    assert.deepEqual(seen, [], `destination ${at} is not tried`);
    return;
  }
  const [invite] = invites;
  assert.equal(new Set(invites.map(({ branch }) => branch)).size, 1, `destination ${at} is tried once`);
  assert.equal(invite.start, `INVITE ${uriOf(cell, at)} SIP/2.0`);
  assert.equal(values(invite.text, 'Via').length, 2);
  assert.deepEqual(values(invite.text, 'Max-Forwards'), ['69']);
  assert.equal(values(invite.text, 'Record-Route').length, 1);

  const cancels = heard('CANCEL');
  assert.equal(new Set(cancels.map(({ branch }) => branch)).size, place.isLost ? 1 : 0, `CANCELs to destination ${at}`);
  for (const cancel of cancels) {
    assert.equal(cancel.branch, invite.branch);
    assert.equal(cancel.start, invite.start.replace('INVITE', 'CANCEL'), 'RFC 3261 §9.1');
  }
  const acks = heard('ACK');
  const isRefusal = place.isLost || (place.final ?? 0) >= 300;
  if (isRefusal) {
    assert.ok(acks.length > 0, `destination ${at} is acknowledged`);
    for (const ack of acks) assert.equal(ack.branch, invite.branch, 'RFC 3261 §17.1.1.3');
  } else if (place.final === 200) {
    assert.ok(acks.length > 0 && acks.every((ack) => values(ack.text, 'Via').length === 2), 'the ACK comes from the caller');
    assert.equal(new Set(heard('BYE').map(({ branch }) => branch)).size, 1);
  } else {
    assert.equal(acks.length, 0);
    // RFC 3261 §17.1.1.2: timer A, which only UDP needs, doubles from T1 to 32 T1; a machine under load may be late for one.
    if (cell.status === 408 && cell.transport === 'udp') assert.ok(invites.length > 2 && invites.length <= 7, `${invites.length} INVITEs`);
    if (cell.status === 408 && cell.transport === 'tcp') assert.equal(invites.length, 1);
  }
}

/** No destination hears of the call before the one in front of it has refused. */
function oneAfterTheOther(cell) {
  const { seen } = callees.call(cell.id);
  const first = (callee, wanted) => seen.findIndex((one) => one.callee === callee && one.method === 'INVITE' && wanted(one));
  for (const at of cell.places.keys()) {
    const callee = (place) => `${cell.id}.${place}`;
    const begins = first(callee(at + 1), ({ direction }) => direction === 'received');
    const ends = first(callee(at), ({ status }) => status >= 200);
    if (begins >= 0 && ends >= 0) assert.ok(ends < begins, `destination ${at + 1} is tried before ${at} has ended`);
  }
}

function applicationWasTold(cell) {
  const { err, results } = endings.get(cell.id) ?? assert.fail('the application was told nothing');
  assert.equal(err, null);
  assert.equal(results.finalStatus, cell.status);
  assert.equal(results.connected, cell.status === 200);
  const reasons = new Map(results.branches.map(({ target, reason }) => [target, reason]));
  for (const [at, { kind, isTried, isLost, final }] of cell.places.entries()) {
    const failed = { refused: 'unreachable', unresolvable: 'unresolved' }[kind];
    const reason = reasons.get(uriOf(cell, at));
    if (failed === undefined) assert.equal(reason, isTried ? reasonOf({ isLost, final, cell }) : undefined, `how branch ${at} ended`);
    // The one that accepts may be quicker.
    else if (cell.status === 200 && cell.forking === 'simultaneous') assert.ok([failed, 'cancelled'].includes(reason), reason);
    else assert.equal(reason, failed, `how branch ${at} ended`);
  }
}

function reasonOf({ isLost, final, cell }) {
  if (isLost) return 'cancelled';
  if (final === undefined) return cell.status === 408 || cell.forking === 'serial' ? 'timeout' : 'cancelled';
  if (final === 200) return 'answered';
  return cell.followRedirects ? 'redirected' : 'failed';
}
