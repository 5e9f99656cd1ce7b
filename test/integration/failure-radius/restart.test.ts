import { once } from 'node:events';
import { expect } from 'vitest';
import { startNamedProcess } from '../../support/dead-process.ts';
import { publishEvents } from '../../support/events.ts';
import { leaveHeld } from '../../support/held-leases.ts';
import { type Place, test } from '../../support/place.ts';
import { prepare, type Subject } from '../cli/subject.ts';

const LOOK_EVERY = 100;
const HOUR = 3_600_000;
const MODES = ['follow', 'drain'] as const;

/** Between two cycles lies an hour: in time, rows come only to whoever waits for something else. */
async function initialised(place: Place, signal: AbortSignal, mode: (typeof MODES)[number]) {
  const settings = {
    consume: { mode, lease: '5m' },
    checkpoint: { interval: '1h', flushTimeout: '1s' },
    batch: { maxWait: '200ms' },
  };
  const subject = await prepare(place, signal, { settings });
  expect(await subject.commands.run('init', '--ddl', subject.ddl)).toMatchObject({ code: 0 });
  return subject;
}

/** Where they never come, the test's own time runs out. */
async function untilRows(place: Place, least: number): Promise<void> {
  while (Number(await place.query(`SELECT count() FROM ${place.database}.events`)) < least) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  }
}

async function publish(place: Place, { topic }: Subject, from: number): Promise<void> {
  const publication = { entries: 1, messagesAnEntry: 10, from };
  await publishEvents(place.environment, `${topic}-partition-0`, publication);
}

test('run in follow mode, killed and started again, goes on whatever is left of its lease', async ({
  place,
  signal,
}) => {
  const subject = await initialised(place, signal, 'follow');
  const killed = subject.commands.start('run');
  await publish(place, subject, 0);
  await untilRows(place, 10);
  const exited = once(killed.child, 'exit');
  killed.child.kill('SIGKILL');
  await exited;
  await publish(place, subject, 10);
  const restarted = subject.commands.start('run');
  await untilRows(place, 20);
  restarted.child.kill('SIGTERM');
  expect(await restarted.ended).toMatchObject({ code: 0 });
}, 90_000);

test.for(MODES)(
  'in mode %s, leases of a dead process of this machine are taken at once',
  { timeout: 90_000 },
  async (mode, { place, signal }) => {
    const subject = await initialised(place, signal, mode);
    await publish(place, subject, 0);
    const dead = await startNamedProcess();
    await dead.kill();
    await leaveHeld(place, subject.file, `${dead.name}/1`, HOUR);
    const run = subject.commands.start('run');
    await untilRows(place, 10);
    run.child.kill('SIGTERM');
    expect(await run.ended).toMatchObject({ code: 0 });
    expect(await subject.commands.run('status')).toMatchObject({ code: 0, answer: { checkpoint: 1 } });
  },
);

test.for(MODES)(
  'in mode %s, leases of a dead process elsewhere are taken when they run out',
  { timeout: 90_000 },
  async (mode, { place, signal }) => {
    const subject = await initialised(place, signal, mode);
    await publish(place, subject, 0);
    await leaveHeld(place, subject.file, 'elsewhere/1/1', 4_000);
    const run = subject.commands.start('run');
    await untilRows(place, 10);
    run.child.kill('SIGTERM');
    expect(await run.ended).toMatchObject({ code: 0 });
  },
);

test('with a living process on this machine nothing is taken', async ({ place, signal }) => {
  const subject = await initialised(place, signal, 'drain');
  const living = await startNamedProcess();
  try {
    await leaveHeld(place, subject.file, `${living.name}/1`, HOUR);
    expect(await subject.commands.run('checkpoint')).toMatchObject({ code: 1, answer: { outcome: 'busy' } });
  } finally {
    await living.kill();
  }
  expect(await subject.commands.run('checkpoint')).toMatchObject({ code: 0 });
}, 90_000);
