import { describe, expect, it } from 'vitest';
import type { ReplayRange, ReplayRecord } from '../../../lib/pipeline/replay.ts';
import type { ObjectStore } from '../../../lib/ports/object-store.ts';
import { withRangesInObjects } from '../../../lib/ports/ranges-in-objects.ts';
import type { ReplayStore } from '../../../lib/ports/replay-store.ts';
import { uniquePipeline } from '../state-store/states.ts';

export interface ReplayRangesSubject {
  /** Records alone, each with all its ranges. */
  readonly records: ReplayStore;
  readonly objects: ObjectStore;
  deadline(): number;
}

const PARTITIONS = 10_000;

function replayOf(partitions: number, changes: Partial<ReplayRecord> = {}): ReplayRecord {
  const ranges = Array.from(
    { length: partitions },
    (_, partition): ReplayRange => ({
      partition,
      after: { ledger: 123_456_789_012_345, entry: -1 },
      to: { ledger: 123_456_789_012_345, entry: 987_654_321_000 + partition },
    }),
  );
  return {
    pipeline: uniquePipeline(),
    id: '20260101T000000000Z-abc',
    mode: 'into',
    target: { database: 'd', table: 't' },
    from: 'origin',
    to: 'committed',
    ranges,
    exclusions: '',
    requestedBy: 'somebody',
    requestedAt: 1_790_000_000_000,
    status: 'running',
    finishedAt: undefined,
    ...changes,
  };
}

/** A restore, or a replay into another table, begins over as many partitions as there are. */
export function replayRangesContract(name: string, open: () => Promise<ReplayRangesSubject>): void {
  describe(`${name}: a replay over ${PARTITIONS} partitions`, () => {
    it('is begun, found, listed and ended with all its ranges', async () => {
      const { records, objects, deadline } = await open();
      const replays = withRangesInObjects(records, objects);
      const record = replayOf(PARTITIONS);
      await replays.createReplay(record, deadline());
      await replays.createReplay(record, deadline());
      // Whoever carries it on is another process.
      const others = withRangesInObjects(records, objects);
      expect(await others.readReplay(record.pipeline, record.id, deadline())).toStrictEqual(record);
      expect(await others.readReplays(record.pipeline, 10, deadline())).toStrictEqual([record]);
      const at = record.requestedAt + 1;
      expect(await others.endReplay(record.pipeline, record.id, 'complete', at, deadline())).toStrictEqual({
        ...record,
        status: 'complete',
        finishedAt: at,
      });
    });

    it('whose object is gone is told by name, and does not look like one without ranges', async () => {
      const { records, objects, deadline } = await open();
      const record = replayOf(PARTITIONS);
      await withRangesInObjects(records, objects).createReplay(record, deadline());
      const [key = ''] = await objects.list(`${record.pipeline}/replays/`, deadline());
      await objects.delete(key, deadline());
      const lost = { code: 'PH_REPLAY_RANGES_LOST', message: expect.stringContaining(key) };
      const replays = withRangesInObjects(records, objects);
      await expect(replays.readReplay(record.pipeline, record.id, deadline())).rejects.toMatchObject(lost);
      await objects.create(key, new TextEncoder().encode('0 1:1 1:2\n'), deadline());
      await expect(replays.readReplays(record.pipeline, 10, deadline())).rejects.toMatchObject(lost);
    });

    it('does not fit into a record, whose refusal says so', async () => {
      const { records, deadline } = await open();
      await expect(records.createReplay(replayOf(PARTITIONS), deadline())).rejects.toMatchObject({
        code: 'PH_STATE_REFUSED',
        kind: 'terminal',
      });
    });
  });

  it(`${name}: a record of the version before, with thousands of ranges in it, is read as it is`, async () => {
    const { records, objects, deadline } = await open();
    const ranges = replayOf(4_000).ranges.map((range) => ({
      ...range,
      after: { ledger: 3, entry: -1 },
      to: { ledger: 3, entry: 9 },
    }));
    const record = replayOf(0, { ranges });
    await records.createReplay(record, deadline());
    const found = await withRangesInObjects(records, objects).readReplay(
      record.pipeline,
      record.id,
      deadline(),
    );
    expect(found).toMatchObject(record);
  });
}
