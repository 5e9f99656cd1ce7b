import { describe, expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { isPulsehouseError } from '../../../lib/pipeline/errors.ts';
import { type ReplayRecord, replayScope } from '../../../lib/pipeline/replay.ts';
import { readJournal } from '../../../lib/replay/journal.ts';
import { pause, resumePipeline } from '../../../lib/replay/pause.ts';
import { cancelReplay } from '../../../lib/replay/replay/cancel.ts';
import { findReplayWork, type ReplayWork } from '../../../lib/replay/replay/carry-on.ts';
import { resumeReplay } from '../../../lib/replay/replay/halts.ts';
import { advanceReplay, startReplay } from '../../../lib/replay/replay/replay.ts';
import { readStatus } from '../../../lib/replay/status.ts';
import { type Place, test } from '../../support/place.ts';
import { byHand, connectAs, openSubject, type Subject, soon, untilDone } from './subject.ts';

const PATIENCE = 180_000;

/** Rows are consumed, some are lost, and a repair of them is written down; nobody works on it yet. */
async function begin(subject: Subject, entries: number, lost = 'id % 3 = 0'): Promise<ReplayRecord> {
  await subject.publish(entries);
  await subject.consumeAll();
  expect(await subject.lose(lost)).toBeGreaterThan(0);
  const plan = await subject.plan({ mode: 'repair' });
  return startReplay(subject.dependencies, plan, 'a test', soon());
}

/** What the invocations of one tick do, side by side. One that runs out of time fails, and leaves the rest to the next. */
async function invocations(
  { dependencies }: Subject,
  { record, partitions }: ReplayWork,
  milliseconds: number,
): Promise<void> {
  await Promise.all(
    partitions.map(async (partition) => {
      const deadline = environment.now() + milliseconds;
      const run = { owner: environment.uniqueId(), deadline, partitions: [partition] };
      try {
        await advanceReplay(dependencies, record, dependencies, run);
      } catch (error) {
        if (!isPulsehouseError(error) || error.kind === 'terminal') throw error;
      }
    }),
  );
}

async function isRunning({ dependencies }: Subject, { pipeline, id }: ReplayRecord): Promise<boolean> {
  return (await dependencies.replays.readReplay(pipeline, id, soon()))?.status === 'running';
}

async function statusOf({ dependencies }: Subject, { id }: ReplayRecord) {
  const { replays } = await readStatus(dependencies, soon());
  return replays.find((replay) => replay.id === id);
}

describe('a replay goes on by ticks alone', () => {
  test(
    'begun with too little time, over several partitions, to an exact end',
    async ({ place }) => {
      const subject = await openSubject(place, 3);
      const record = await begin(subject, 60);
      let ticks = 0;
      while (await isRunning(subject, record)) {
        const work = await findReplayWork(subject.dependencies, soon());
        // Who ran out of time may still hold the lease for a while.
        if (!work) await environment.sleep(200);
        else {
          ticks += 1;
          // Growing, so that it ends on however slow a machine.
          await invocations(subject, work, 1_000 * ticks);
        }
      }
      expect(ticks).toBeGreaterThan(1);
      expect(await statusOf(subject, record)).toMatchObject({ status: 'complete', partitionsDone: 3 });
      expect(await subject.audit()).toMatchObject({ exact: true, messages: 1_800, rows: 1_800 });
      await subject.close();
    },
    PATIENCE,
  );

  test('an idle pipeline is asked one question, and partitions somebody works on are left alone', async ({
    place,
  }) => {
    const subject = await openSubject(place, 2);
    const { dependencies } = subject;
    let questions = 0;
    const counted = new Proxy(dependencies, {
      get: (target, name) => {
        if (name === 'replays' || name === 'state') questions += 1;
        return Reflect.get(target, name);
      },
    });
    expect(await findReplayWork(counted, soon())).toBeUndefined();
    expect(questions).toBeLessThanOrEqual(2);
    const record = await begin(subject, 20);
    const work = await findReplayWork(dependencies, soon());
    expect(work).toMatchObject({ record: { id: record.id }, partitions: [0, 1] });
    // Partition 0 is done; the lease of partition 1 is held by somebody.
    if (work) await invocations(subject, { ...work, partitions: [0] }, 60_000);
    expect(await findReplayWork(dependencies, soon())).toMatchObject({ partitions: [1] });
    if (work) {
      const stopped = { ...byHand(), partitions: [1], stop: AbortSignal.abort() };
      await advanceReplay(dependencies, record, dependencies, stopped);
    }
    const now = environment.now();
    const claim = { owner: 'somebody', writeId: environment.uniqueId(), now, leaseUntil: now + 3_000 };
    await dependencies.state.takePartition(replayScope(subject.pipeline.name), 1, claim, soon());
    expect(await findReplayWork(dependencies, soon())).toBeUndefined();
    // Dead, for all anybody knows: once the lease has run out the partition is carried on.
    await environment.sleep(3_500);
    expect(await findReplayWork(dependencies, soon())).toMatchObject({ partitions: [1] });
    await untilDone(dependencies, record);
    expect(await subject.audit()).toMatchObject({ exact: true });
    await subject.close();
  });

  test('a replace waits until the pipeline is paused again', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(10);
    await subject.consumeAll();
    const { dependencies, pipeline } = subject;
    await pause(dependencies, byHand());
    const plan = await subject.plan({ mode: 'replace' });
    const record = await startReplay(dependencies, plan, 'a test', soon());
    expect(await findReplayWork(dependencies, soon())).toMatchObject({ partitions: [0] });
    const { audit } = pipeline;
    const excluding = { ...pipeline, audit: { ...audit, exclusions: [{ reason: 'deleted' }] } };
    expect(await findReplayWork({ ...dependencies, pipeline: excluding }, soon())).toBeUndefined();
    const cycle = await dependencies.state.readCycle(pipeline.name, soon());
    expect(cycle?.paused).toBe(true);
    await resumePipeline(dependencies, byHand());
    expect(await findReplayWork(dependencies, soon())).toBeUndefined();
    expect((await statusOf(subject, record))?.waitsFor).toBe('the pipeline to be paused');
    await pause(dependencies, byHand());
    const work = await findReplayWork(dependencies, soon());
    if (work) await invocations(subject, work, 60_000);
    await resumePipeline(dependencies, byHand());
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 100 });
    await subject.close();
  });

  test(
    'by hand, by the schedule and by one that dies, all at once: nobody fails, and the end is exact',
    async ({ place }) => {
      const subject = await openSubject(place, 2);
      const { dependencies } = subject;
      const record = await begin(subject, 150);
      const dying = { ...byHand(), stop: AbortSignal.timeout(300) };
      const schedule = async () => {
        while (await isRunning(subject, record)) {
          const work = await findReplayWork(dependencies, soon());
          if (work) await invocations(subject, work, 60_000);
          await environment.sleep(50);
        }
      };
      const [ended] = await Promise.all([
        untilDone(dependencies, record),
        untilDone(dependencies, record),
        schedule(),
        schedule(),
        advanceReplay(dependencies, record, dependencies, dying),
      ]);
      expect(ended.record.status).toBe('complete');
      expect(await subject.audit()).toMatchObject({ exact: true, rows: 3_000 });
      await subject.close();
    },
    PATIENCE,
  );

  test(
    'cancelled while it is worked on: the workers stop, nothing is in flight, and the next one finishes exactly',
    async ({ place }) => {
      const subject = await openSubject(place, 2);
      const { dependencies } = subject;
      const record = await begin(subject, 400);
      const working = [untilDone(dependencies, record), untilDone(dependencies, record)];
      for (;;) {
        const status = await statusOf(subject, record);
        if ((status?.messages ?? 0) > 0) break;
      }
      const cancelled = await cancelReplay(dependencies, record, dependencies, byHand());
      const ended = await Promise.all(working);
      for (const partition of [0, 1]) {
        const name = replayScope(subject.pipeline.name);
        const found = await dependencies.state.readPartition(name, partition, soon());
        expect(found?.inFlight).toEqual([]);
      }
      expect(ended.map((one) => one.record.status)).toEqual([cancelled.status, cancelled.status]);
      expect(cancelled.status).toBe('cancelled');
      expect(await findReplayWork(dependencies, soon())).toBeUndefined();
      expect(await advanceReplay(dependencies, record, dependencies, byHand())).toMatchObject({
        done: true,
        record: { status: 'cancelled' },
        partitions: [],
      });
      expect(await subject.replay({ mode: 'repair' })).toMatchObject({ done: true });
      expect(await subject.audit()).toMatchObject({ exact: true, rows: 8_000 });
      await subject.close();
    },
    PATIENCE,
  );
});

describe('a replay that halts', () => {
  /** A column of the mapping is dropped after the repair was begun. */
  async function halted(place: Place) {
    const subject = await openSubject(place);
    await place.query(`ALTER TABLE ${subject.table} ADD COLUMN twice UInt64`);
    const columns = { ...subject.pipeline.columns, twice: 'id * 2' };
    const mapped = await connectAs(place, { ...subject.pipeline, columns });
    const record = await begin(subject, 30);
    await place.query(`ALTER TABLE ${subject.table} DROP COLUMN twice`);
    const { partitions } = await untilDone(mapped, record, mapped);
    expect(partitions).toMatchObject([{ outcome: 'halted', halt: { code: 'PH_HALT_REFUSED' } }]);
    return { subject, mapped, record };
  }

  test('waits for a person, says what to do, and goes on where it stood once it is put right', async ({
    place,
  }) => {
    const { subject, mapped, record } = await halted(place);
    const { dependencies, pipeline } = subject;
    expect(await findReplayWork(dependencies, soon())).toBeUndefined();
    const status = await statusOf(subject, record);
    expect(status).toMatchObject({ status: 'running', halted: [{ partition: 0, code: 'PH_HALT_REFUSED' }] });
    expect(status?.halted[0]?.nextStep).toContain(`pulsehouse replay --continue ${record.id}`);

    // Not put right yet: it halts again, and is none the worse for it.
    expect(await resumeReplay(dependencies, record, byHand())).toHaveLength(1);
    expect((await untilDone(mapped, record, mapped)).partitions).toMatchObject([{ outcome: 'halted' }]);

    await place.query(`ALTER TABLE ${subject.table} ADD COLUMN twice UInt64`);
    expect(await resumeReplay(dependencies, record, byHand())).toHaveLength(1);
    expect(await untilDone(mapped, record, mapped)).toMatchObject({ record: { status: 'complete' } });
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 300 });
    expect(await subject.count('id % 3 = 0 AND twice != id * 2')).toBe(0);
    const { operations } = await readJournal(dependencies.objects, pipeline.name, soon());
    expect(operations.filter(({ kind }) => kind === 'resume')).toMatchObject([
      { by: 'a test', replay: record.id },
      { by: 'a test', replay: record.id },
    ]);
    await mapped.close();
    await subject.close();
  });

  test('can be cancelled although the table takes its batch no more, and the next one begins', async ({
    place,
  }) => {
    const { subject, mapped, record } = await halted(place);
    const name = replayScope(subject.pipeline.name);
    const before = await subject.dependencies.state.readPartition(name, 0, soon());
    expect(before?.inFlight.length).toBeGreaterThan(0);
    expect(await cancelReplay(mapped, record, mapped, byHand())).toMatchObject({ status: 'cancelled' });
    const after = await subject.dependencies.state.readPartition(name, 0, soon());
    expect(after).toMatchObject({ inFlight: [], halted: undefined });
    expect(await subject.replay({ mode: 'repair' })).toMatchObject({ record: { status: 'complete' } });
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 300 });
    await mapped.close();
    await subject.close();
  });
});
