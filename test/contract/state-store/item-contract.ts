import { randomBytes } from 'node:crypto';
import {
  type AttributeValue,
  DeleteItemCommand,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { describe, expect, it } from 'vitest';
import { batchKey, deadLetterKey, type ItemKey, partitionKey } from '../../../lib/dynamodb/keys.ts';
import { dynamoStateStore } from '../../../lib/dynamodb/state-store.ts';
import type { StateTable } from '../../../lib/dynamodb/state-table.ts';
import { soon } from './emulators.ts';
import { batchRecord, busyPartitionState, partitionState, uniquePipeline } from './states.ts';

async function itemAt({ client, name }: StateTable, key: ItemKey) {
  const { Item } = await client.send(new GetItemCommand({ TableName: name, Key: { ...key } }));
  return Item;
}

async function spoil(
  { client, name }: StateTable,
  key: ItemKey,
  attribute: string,
  value: AttributeValue | undefined,
): Promise<void> {
  await client.send(
    new UpdateItemCommand({
      TableName: name,
      Key: { ...key },
      UpdateExpression: value ? 'SET #a = :value' : 'REMOVE #a',
      ExpressionAttributeNames: { '#a': attribute },
      ...(value && { ExpressionAttributeValues: { ':value': value } }),
    }),
  );
}

/** What the items look like to people and to other versions. */
export function itemContract(name: string, open: () => Promise<StateTable>): void {
  describe(`${name}: items`, () => {
    it('are readable in the console: scope, item, positions as ledger:entry', async () => {
      const table = await open();
      const state = busyPartitionState(uniquePipeline());
      await dynamoStateStore(table).createPartition(state, soon());
      expect(await itemAt(table, partitionKey(state.pipeline, 0))).toMatchObject({
        scope: { S: `${state.pipeline}#0` },
        item: { S: 'state' },
        layout: { N: '1' },
        committed: { S: '3:9' },
        epoch: { N: '7' },
      });
    });

    it('of the batch ledger expire after the retention, in whole seconds; state items never', async () => {
      const table = await open();
      const pipeline = uniquePipeline();
      const store = dynamoStateStore(table, 3_600_000);
      await store.putBatch(batchRecord(pipeline, { committedAt: 4_000_000_000_001 }), soon());
      await store.createPartition(partitionState(pipeline), soon());
      const batch = await itemAt(table, batchKey(pipeline, 0, 'g1', 1));
      expect(batch?.['expires']).toEqual({ N: '4000003601' });
      expect(await itemAt(table, partitionKey(pipeline, 0))).not.toHaveProperty('expires');
    });

    it('name one object of dead letters as earlier versions did, and several as a list', async () => {
      const table = await open();
      const pipeline = uniquePipeline();
      const store = dynamoStateStore(table);
      const part = (count: number) => ({ count, key: `dead-letters/${count}.ndjson` });
      const one = batchRecord(pipeline, { deadLetters: { count: 3, parts: [part(3)] } });
      const several = batchRecord(pipeline, { seq: 2, deadLetters: { count: 7, parts: [part(3), part(4)] } });
      for (const record of [one, several]) await store.putBatch(record, soon());
      const stored = await Promise.all([1, 2].map((seq) => itemAt(table, batchKey(pipeline, 0, 'g1', seq))));
      expect(stored.map((item) => item?.['deadLetters'])).toEqual([
        { M: { count: { N: '3' }, key: { S: 'dead-letters/3.ndjson' } } },
        {
          M: {
            count: { N: '7' },
            prefix: { S: 'dead-letters/' },
            parts: { S: '3 3.ndjson\n4 4.ndjson' },
          },
        },
      ]);
      expect(await store.readBatches(pipeline, 0, 'g1', soon())).toStrictEqual([one, several]);
    });

    it('of a version that did not count failed tries are read, and written so that it reads them', async () => {
      const table = await open();
      const store = dynamoStateStore(table);
      const pipeline = uniquePipeline();
      const key = partitionKey(pipeline, 0);
      const state = partitionState(pipeline);
      await store.createPartition(state, soon());
      expect(await itemAt(table, key)).not.toHaveProperty('failedTries');
      expect(await store.readPartition(pipeline, 0, soon())).toStrictEqual(state);
      const { failedTries } = busyPartitionState(pipeline);
      const failing = { ...state, version: state.version + 1, follows: state.writeId, failedTries };
      await store.writePartition(failing, soon());
      await spoil(table, key, 'failedTries', undefined);
      expect(await store.readPartition(pipeline, 0, soon())).toStrictEqual({
        ...failing,
        failedTries: undefined,
      });
    });

    it('hold the names of 500 objects of dead letters in few bytes', async () => {
      const table = await open();
      const pipeline = uniquePipeline();
      const prefix =
        'a-pipeline-with-a-long-name/dead-letters/17/0198f2d6-7f52-7d3a-a8c1-2f6d8b1d9a11/123456-';
      const parts = Array.from({ length: 500 }, (_, part) => ({
        count: part + 1,
        key: `${prefix}${randomBytes(8).toString('hex')}.ndjson`,
      }));
      const record = batchRecord(pipeline, { deadLetters: { count: 125_250, parts } });
      await dynamoStateStore(table).putBatch(record, soon());
      const item = await itemAt(table, batchKey(pipeline, 0, 'g1', 1));
      expect(JSON.stringify(item?.['deadLetters']).length).toBeLessThan(25_000);
      expect(await dynamoStateStore(table).readBatches(pipeline, 0, 'g1', soon())).toStrictEqual([record]);
    });

    it('of dead letters never expire, nor do the batches of a replay', async () => {
      const table = await open();
      const pipeline = uniquePipeline();
      const store = dynamoStateStore(table, 3_600_000);
      const record = batchRecord(pipeline);
      const replayed = { ...record, pipeline: `${pipeline}/replay` };
      for (const one of [record, replayed]) await store.putBatch(one, soon());
      const key = batchKey(pipeline, 0, 'g1', 1);
      expect(await itemAt(table, key)).toHaveProperty('expires');
      const letters = await itemAt(table, deadLetterKey(pipeline, 0, 'g1', record.to));
      expect(letters).not.toHaveProperty('expires');
      expect(await itemAt(table, batchKey(replayed.pipeline, 0, 'g1', 1))).not.toHaveProperty('expires');
      await table.client.send(new DeleteItemCommand({ TableName: table.name, Key: { ...key } }));
      const range = { ...record, limit: 10 };
      expect(await store.readDeadLetterBatches(range, soon())).toHaveLength(1);
      expect(await store.readBatches(pipeline, 0, 'g1', soon())).toEqual([]);
    });

    it.each<[string, string, AttributeValue | undefined]>([
      ['a position that is none', 'committed', { S: 'here' }],
      ['a number that is text', 'version', { S: '41' }],
      ['a number past 2^53', 'flushed', { N: '9007199254740993' }],
      ['an attribute that is missing', 'owner', undefined],
    ])('with %s are refused by name', async (_, attribute, value) => {
      const table = await open();
      const store = dynamoStateStore(table);
      const state = partitionState(uniquePipeline());
      await store.createPartition(state, soon());
      await spoil(table, partitionKey(state.pipeline, 0), attribute, value);
      const corrupt = {
        code: 'PH_STATE_CORRUPT',
        kind: 'terminal',
        message: expect.stringMatching(
          new RegExp(`state item ${state.pipeline}#0 / state .*${attribute}`, 's'),
        ),
      };
      await expect(store.readPartition(state.pipeline, 0, soon())).rejects.toMatchObject(corrupt);
      await expect(store.readPartitions(state.pipeline, 1, soon())).rejects.toMatchObject(corrupt);
    });

    it('that cannot be read hide none of the others where each partition is read by itself', async () => {
      const table = await open();
      const store = dynamoStateStore(table);
      const pipeline = uniquePipeline();
      const states = [0, 1, 3, 4].map((partition) => partitionState(pipeline, { partition }));
      for (const state of states) await store.createPartition(state, soon());
      await spoil(table, partitionKey(pipeline, 1), 'committed', { S: 'here' });
      await spoil(table, partitionKey(pipeline, 4), 'layout', { N: '2' });
      const read = await store.readEachPartition(pipeline, 5, soon());
      expect(read.states).toStrictEqual([states[0], states[2]]);
      expect(read.unreadable).toMatchObject([
        { partition: 1, error: { code: 'PH_STATE_CORRUPT' } },
        { partition: 4, error: { code: 'PH_STATE_LAYOUT' } },
      ]);
      await expect(store.readPartitions(pipeline, [0, 1], soon())).rejects.toMatchObject({
        code: 'PH_STATE_CORRUPT',
      });
    });

    it('keep what a later version added, through taking a lease and writing by this one', async () => {
      const table = await open();
      const store = dynamoStateStore(table);
      const state = busyPartitionState(uniquePipeline());
      const key = partitionKey(state.pipeline, 0);
      await store.createPartition({ ...state, halted: undefined }, soon());
      const later: AttributeValue = { M: { names: { SS: ['a', 'b'] }, none: { NULL: true } } };
      await spoil(table, key, 'later', later);
      const claim = { owner: 'me', writeId: 'w', now: state.leaseUntil, leaseUntil: state.leaseUntil + 1 };
      const taken = await store.takePartition(state.pipeline, 0, claim, soon());
      if (!taken.taken) throw new Error('the lease was not taken');
      const { version } = taken.state;
      const next = { ...taken.state, version: version + 1, follows: 'w', writeId: 'next', flushed: 13 };
      expect(await store.writePartition(next, soon())).toEqual({ written: true });
      expect(await itemAt(table, key)).toMatchObject({ later, flushed: { N: '13' } });
    });

    it('of another layout are refused and never written', async () => {
      const table = await open();
      const store = dynamoStateStore(table);
      const state = partitionState(uniquePipeline());
      const key = partitionKey(state.pipeline, 0);
      await store.createPartition(state, soon());
      await spoil(table, key, 'layout', { N: '2' });
      const before = await itemAt(table, key);
      const foreign = { code: 'PH_STATE_LAYOUT', message: expect.stringContaining('a newer version') };
      const claim = { owner: 'me', writeId: 'w', now: Date.now(), leaseUntil: Date.now() + 1 };
      const next = { ...state, version: state.version + 1, follows: state.writeId, writeId: 'next' };
      await expect(store.readPartition(state.pipeline, 0, soon())).rejects.toMatchObject(foreign);
      await expect(store.takePartition(state.pipeline, 0, claim, soon())).rejects.toMatchObject(foreign);
      await expect(store.writePartition(next, soon())).rejects.toMatchObject(foreign);
      expect(await itemAt(table, key)).toEqual(before);
    });

    it('are found on every page of a long ledger', async () => {
      const table = await open();
      const store = dynamoStateStore(table);
      const pipeline = uniquePipeline();
      // A page ends at 1 MB.
      const digest = 'd'.repeat(3_000);
      const records = Array.from({ length: 500 }, (_, n) => batchRecord(pipeline, { seq: n + 1, digest }));
      await pLimit(16).map(records, (record) => store.putBatch(record, soon()));
      const found = await store.readBatches(pipeline, 0, 'g1', soon());
      expect(found.map(({ seq }) => seq)).toEqual(records.map(({ seq }) => seq));
    });
  });
}
