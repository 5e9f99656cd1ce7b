import { once } from 'node:events';
import { expect } from 'vitest';
import { type Connections, connect } from '../../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { loadPipelines } from '../../../lib/configuration/load.ts';
import { startNamedProcess } from '../../support/dead-process.ts';
import { publishEvents } from '../../support/events.ts';
import { silentLog, useCredentialsOf } from '../../support/events-pipeline.ts';
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

async function withPorts(
  place: Place,
  { file }: Subject,
  work: (ports: Connections) => Promise<void>,
): Promise<void> {
  useCredentialsOf(place);
  const { pipelines } = await loadPipelines([file]);
  const [pipeline] = pipelines;
  if (!pipeline) throw new Error('the pipeline file holds none');
  const ports = await connect(pipeline, readSettings(place.environment), { environment, log: silentLog });
  try {
    await work(ports);
  } finally {
    await ports.close();
  }
}

/** Takes the leases of the partition and of the cycle under the name of somebody who does nothing with them. */
async function leaveHeld({ state }: Connections, owner: string, lease: number): Promise<void> {
  const now = environment.now();
  const claim = () => ({ owner, writeId: environment.uniqueId(), now, leaseUntil: now + lease });
  expect(await state.takePartition('events', 0, claim(), now + 10_000)).toMatchObject({ taken: true });
  expect(await state.takeCycle('events', claim(), now + 10_000)).toMatchObject({ taken: true });
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
    await withPorts(place, subject, (ports) => leaveHeld(ports, `${dead.name}/1`, HOUR));
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
    await withPorts(place, subject, (ports) => leaveHeld(ports, 'elsewhere/1/1', 4_000));
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
    await withPorts(place, subject, (ports) => leaveHeld(ports, `${living.name}/1`, HOUR));
    expect(await subject.commands.run('checkpoint')).toMatchObject({ code: 1, answer: { outcome: 'busy' } });
  } finally {
    await living.kill();
  }
  expect(await subject.commands.run('checkpoint')).toMatchObject({ code: 0 });
}, 90_000);
