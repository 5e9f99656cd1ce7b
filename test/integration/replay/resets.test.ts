import { describe, expect } from 'vitest';
import { runCycle } from '../../../lib/checkpoint/cycle.ts';
import { isSamePosition, type Position } from '../../../lib/pipeline/position.ts';
import { beginOperation, readJournal } from '../../../lib/replay/journal.ts';
import { pause, resumePipeline } from '../../../lib/replay/pause.ts';
import { planReset, reset } from '../../../lib/replay/reset/reset.ts';
import { newestValidSnapshot } from '../../../lib/replay/restore/valid-snapshot.ts';
import { test } from '../../support/place.ts';
import { byHand, openSubject, type Subject, soon } from './subject.ts';

const committedOf = async ({ dependencies, pipeline }: Subject): Promise<Position> => {
  const state = await dependencies.state.readPartition(pipeline.name, 0, soon());
  return state?.committed ?? { ledger: -1, entry: -1 };
};

/** The same pipeline, with acknowledgement behind. */
function trailing({ dependencies, pipeline }: Subject, checkpoints: number) {
  const acknowledgeBehind = { checkpoints, age: 0 };
  const other = { ...pipeline, checkpoint: { ...pipeline.checkpoint, acknowledgeBehind } };
  return { dependencies: { ...dependencies, pipeline: other }, pipeline: other };
}

async function positionsAt(
  { dependencies, pipeline }: Subject,
  checkpoint: number,
): Promise<ReadonlyMap<number, Position>> {
  const { snapshot } = await newestValidSnapshot(dependencies.objects, pipeline.name, checkpoint, soon());
  return new Map(snapshot.partitions.map(({ partition, committed }) => [partition, committed]));
}

describe('resets', () => {
  test('positions move only while paused, back and on, and the table with them', async ({ place }) => {
    const subject = await openSubject(place);
    const { dependencies } = subject;
    await subject.publish(30);
    await subject.consumeAll();
    const { ledger } = await committedOf(subject);
    const positions = new Map([[0, { ledger, entry: 9 }]]);
    await expect(reset(dependencies, { reason: 'offsets', positions }, byHand())).rejects.toMatchObject({
      code: 'PH_NOT_PAUSED',
    });
    await pause(dependencies, byHand());
    expect(await planReset(dependencies, { reason: 'offsets', positions }, soon())).toMatchObject([
      { rows: 200 },
    ]);
    await reset(dependencies, { reason: 'offsets', positions }, byHand());
    expect(await subject.count('1')).toBe(100);
    await resumePipeline(dependencies, byHand());
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 100 });
    await subject.consumeAll();
    await subject.cycle();
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 300, drained: true });

    await subject.publish(10);
    await pause(dependencies, byHand());
    const last = await dependencies.transport.lastPosition(`${subject.pipeline.topic}-partition-0`, soon());
    for (const beyond of [
      { ...last, entry: last.entry + 1 },
      { ledger: last.ledger + 1000, entry: 0 },
    ]) {
      const request = { reason: 'offsets', positions: new Map([[0, beyond]]) } as const;
      const refused = { code: 'PH_RESET_REFUSED', message: expect.stringContaining('the topic ends at') };
      await expect(planReset(dependencies, request, soon())).rejects.toMatchObject(refused);
      await expect(reset(dependencies, request, byHand())).rejects.toMatchObject(refused);
    }
    await reset(dependencies, { reason: 'offsets', positions: new Map([[0, last]]) }, byHand());
    await resumePipeline(dependencies, byHand());
    await subject.publish(5);
    await subject.consumeAll();
    const report = await subject.audit();
    expect(report).toMatchObject({ exact: true, rows: 350, drained: true });
    expect(report.remarks.join()).toContain('was skipped by hand');
    const { operations, unfinished } = await readJournal(dependencies.objects, subject.pipeline.name, soon());
    expect(operations.map(({ kind }) => kind)).toEqual([
      'pause',
      'reset',
      'resume',
      'pause',
      'reset',
      'resume',
    ]);
    expect(unfinished).toEqual([]);
    await subject.close();
  });

  test('a reset that was cut off holds the pipeline until it is finished', async ({ place }) => {
    const subject = await openSubject(place);
    const { dependencies } = subject;
    await subject.publish(20);
    await subject.consumeAll();
    await pause(dependencies, byHand());
    const { ledger } = await committedOf(subject);
    const request = { reason: 'offsets', positions: new Map([[0, { ledger, entry: 4 }]]) } as const;
    const table = {
      ...dependencies.table,
      deleteRows: () => Promise.reject(new TypeError('the process died')),
    };
    await expect(reset({ ...dependencies, table }, request, byHand())).rejects.toThrow('the process died');
    await expect(resumePipeline(dependencies, byHand())).rejects.toMatchObject({
      code: 'PH_RESET_UNFINISHED',
    });
    await reset(dependencies, request, byHand());
    await resumePipeline(dependencies, byHand());
    await subject.consumeAll();
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 200 });
    await subject.close();
  });

  test("one whose record comes late, after another one's move, holds nothing up", async ({ place }) => {
    const subject = await openSubject(place);
    const { dependencies, pipeline } = subject;
    await subject.publish(20);
    await subject.consumeAll();
    await pause(dependencies, byHand());
    const { ledger } = await committedOf(subject);
    const request = { reason: 'offsets', positions: new Map([[0, { ledger, entry: 4 }]]) } as const;
    await reset(dependencies, request, byHand());
    const { operations } = await readJournal(dependencies.objects, pipeline.name, soon());
    const made = operations.find((operation) => operation.kind === 'reset');
    if (made?.kind !== 'reset') throw new Error('the reset left no record');
    const partitions = made.partitions.map((part) => ({ ...part, toGeneration: 'never begun' }));
    const late = { ...made, id: `${made.id}-late`, partitions };
    await beginOperation(dependencies.objects, pipeline.name, late, soon());

    await resumePipeline(dependencies, byHand());
    await subject.consumeAll();
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 200, drained: true });
    await subject.close();
  });

  test('rolling back to a checkpoint takes table and state along, as far as acknowledgement trails', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    const { dependencies, pipeline } = trailing(subject, 1);
    const cycle = () =>
      runCycle({ ...dependencies, pipeline, invoker: { invoke: async () => undefined } }, byHand());
    await subject.publish(10);
    await subject.consumeAll();
    const { checkpoint } = await cycle();
    await subject.publish(10);
    await subject.consumeAll();
    expect(await cycle()).toMatchObject({ checkpoint: checkpoint + 1, acknowledgedMessages: 100 });
    const positions = await positionsAt(subject, checkpoint);
    await pause(dependencies, byHand());
    const gone = { ...dependencies, transport: forgetful(dependencies.transport) };
    await expect(planReset(gone, { reason: 'rollback', positions }, soon())).rejects.toMatchObject({
      code: 'PH_RESET_REFUSED',
      message: expect.stringContaining('Pulsar still has 90 of them'),
    });
    await reset(dependencies, { reason: 'rollback', positions }, byHand());
    expect(await subject.count('1')).toBe(100);
    expect(isSamePosition(await committedOf(subject), positions.get(0) ?? { ledger: 0, entry: 0 })).toBe(
      true,
    );
    await resumePipeline(dependencies, byHand());
    await subject.consumeAll();
    await cycle();
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 200 });
    await subject.close();
  });

  test('below what Pulsar was told to forget it is refused, though Pulsar still has it', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    const { dependencies } = subject;
    await place.admin('POST', `namespaces/${place.namespace}/retention`, {
      retentionTimeInMinutes: -1,
      retentionSizeInMB: -1,
    });
    await subject.publish(10);
    await subject.consumeAll();
    const { checkpoint } = await subject.cycle();
    await subject.publish(10);
    await subject.consumeAll();
    await subject.cycle();
    const positions = await positionsAt(subject, checkpoint);
    const refused = { code: 'PH_RESET_REFUSED', nextStep: expect.stringContaining('acknowledgeBehind') };
    await pause(dependencies, byHand());
    const request = { reason: 'rollback', positions } as const;
    await expect(planReset(dependencies, request, soon())).rejects.toMatchObject(refused);
    await expect(reset(dependencies, request, byHand())).rejects.toMatchObject(refused);
    // Nothing was begun, so that the pipeline goes on.
    await resumePipeline(dependencies, byHand());
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 200 });
    await subject.close();
  });
});

/** Real entries, but the first of each range: as after a ledger was trimmed. */
function forgetful(transport: Subject['ports']['transport']): Subject['ports']['transport'] {
  return {
    ...transport,
    async openReader(topic, options, deadline) {
      const reader = await transport.openReader(topic, options, deadline);
      await reader.next(5_000);
      return reader;
    },
  };
}
