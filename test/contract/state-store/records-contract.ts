import { describe, expect, it } from 'vitest';
import type { StateStoreSubject } from './contract.ts';
import { batchRecord, checkpointRecord, uniquePipeline } from './states.ts';

const G1 = 'g1';

export function batchContract(name: string, open: () => Promise<StateStoreSubject>): void {
  describe(`${name}: batch ledger`, () => {
    it('lists the batches of one generation of one partition in order', async () => {
      const { store, deadline } = await open();
      const pipeline = uniquePipeline();
      const records = [1, 2, 9, 10, 11, 100].map((seq) => batchRecord(pipeline, { seq }));
      const others = [
        batchRecord(pipeline, { generation: 'g10' }),
        batchRecord(pipeline, { partition: 10 }),
        batchRecord(uniquePipeline()),
      ];
      for (const record of [...records, ...others].reverse()) await store.putBatch(record, deadline());
      expect(await store.readBatches(pipeline, 0, G1, deadline())).toStrictEqual(records);
      expect(await store.readBatches(pipeline, 0, 'g', deadline())).toStrictEqual([]);
    });

    it('takes the same record twice as one', async () => {
      const { store, deadline } = await open();
      const pipeline = uniquePipeline();
      const record = batchRecord(pipeline, { deadLetters: undefined });
      await store.putBatch(record, deadline());
      await store.putBatch(record, deadline());
      expect(await store.readBatches(pipeline, 0, G1, deadline())).toStrictEqual([record]);
    });

    it('keeps what the newest epoch wrote, whoever comes last', async () => {
      const { store, deadline } = await open();
      const pipeline = uniquePipeline();
      const byEpoch = (epoch: number) => batchRecord(pipeline, { epoch, attempt: epoch });
      for (const epoch of [5, 6, 5]) await store.putBatch(byEpoch(epoch), deadline());
      expect(await store.readBatches(pipeline, 0, G1, deadline())).toStrictEqual([byEpoch(6)]);
    });
  });
}

export function checkpointContract(name: string, open: () => Promise<StateStoreSubject>): void {
  describe(`${name}: checkpoints`, () => {
    it('lists the newest first, as many as asked for', async () => {
      const { store, deadline } = await open();
      const pipeline = uniquePipeline();
      const records = [8, 9, 10, 11].map((number) => checkpointRecord(pipeline, { number }));
      for (const record of records) await store.putCheckpoint(record, deadline());
      await store.putCheckpoint(checkpointRecord(uniquePipeline(), { number: 12 }), deadline());
      const newest = await store.readCheckpoints(pipeline, 3, deadline());
      expect(newest.map(({ number }) => number)).toEqual([11, 10, 9]);
      expect(await store.readCheckpoints(pipeline, 50, deadline())).toHaveLength(4);
      expect(await store.readCheckpoint(pipeline, 9, deadline())).toStrictEqual(records[1]);
      expect(await store.readCheckpoint(pipeline, 12, deadline())).toBeUndefined();
    });

    it('replaces a record by the same or a newer epoch, never by an older one', async () => {
      const { store, deadline } = await open();
      const pipeline = uniquePipeline();
      const open1 = checkpointRecord(pipeline, { epoch: 5 });
      const complete = checkpointRecord(pipeline, {
        epoch: 5,
        status: 'complete',
        completedAt: 1_790_000_000_500,
        snapshotKey: 'snapshots/1.json',
        messages: 5432,
        rows: 5400,
        deadLetters: 32,
        laggards: [3, 17],
        laggardCount: 2,
      });
      const abandoned = checkpointRecord(pipeline, { epoch: 4, status: 'abandoned' });
      for (const record of [open1, complete, abandoned]) await store.putCheckpoint(record, deadline());
      expect(await store.readCheckpoint(pipeline, 1, deadline())).toStrictEqual(complete);
    });
  });
}
