import { describe, expect, it } from 'vitest';
import { BEFORE_ALL, LAST_OF_ALL } from '../../../lib/pipeline/position.ts';
import type { DeadLetterRange } from '../../../lib/ports/state-store.ts';
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
      const from = (seq: number, limit: number) =>
        store.readBatchesFrom({ pipeline, partition: 0, generation: G1, from: seq, limit }, deadline());
      expect(await from(0, 100)).toStrictEqual(records);
      expect(await from(3, 2)).toStrictEqual(records.slice(2, 4));
      expect(await from(100, 1)).toStrictEqual(records.slice(5));
      expect(await from(101, 1)).toStrictEqual([]);
    });

    it('lists the batches with dead letters that touch a range, in order of position, the first ones', async () => {
      const { store, deadline } = await open();
      const pipeline = uniquePipeline();
      const at = (ledger: number, entry: number) => ({ ledger, entry });
      const bounds = [at(7, -1), at(7, 9), at(7, 10), at(7, 99), at(7, 100), at(11, 2), at(100, 5)];
      const records = bounds.slice(1).map((to, place) => {
        const deadLetters =
          place === 2 ? undefined : { count: 1, parts: [{ key: `letters/${place}`, count: 1 }] };
        return batchRecord(pipeline, { seq: place + 1, after: bounds[place] ?? to, to, deadLetters });
      });
      const others = [
        batchRecord(pipeline, { generation: 'g10' }),
        batchRecord(pipeline, { partition: 10 }),
        batchRecord(uniquePipeline()),
      ];
      for (const record of [...records, ...others].reverse()) await store.putBatch(record, deadline());
      const question = {
        pipeline,
        partition: 0,
        generation: G1,
        after: BEFORE_ALL,
        to: LAST_OF_ALL,
        limit: 100,
      };
      const seqs = async (changes: Partial<DeadLetterRange>) =>
        (await store.readDeadLetterBatches({ ...question, ...changes }, deadline())).map(({ seq }) => seq);
      expect(await seqs({})).toEqual([1, 2, 4, 5, 6]);
      expect(await seqs({ limit: 3 })).toEqual([1, 2, 4]);
      expect(await seqs({ after: at(7, 9), to: at(7, 99) })).toEqual([2]);
      expect(await seqs({ after: at(7, 9), to: at(8, 0) })).toEqual([2, 4, 5]);
      expect(await seqs({ after: at(11, 1), to: at(11, 2) })).toEqual([5]);
      expect(await seqs({ after: at(11, 2), to: at(11, 3) })).toEqual([6]);
      expect(await seqs({ after: at(100, 5) })).toEqual([]);
      const [first] = await store.readDeadLetterBatches(question, deadline());
      const { after, to, epoch, publishedUpTo, deadLetters } = records[0] ?? batchRecord(pipeline);
      expect(first).toStrictEqual({
        ...{ pipeline, partition: 0, generation: G1, seq: 1, epoch, after, to, publishedUpTo, deadLetters },
      });
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
