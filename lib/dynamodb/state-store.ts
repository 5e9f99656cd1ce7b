import type { StateStore } from '../ports/state-store.ts';
import { putBatchItem, readBatchItems, readBatchItemsFrom } from './batch-ledger.ts';
import { putCheckpointItem, readCheckpointItem, readCheckpointItems } from './checkpoint-items.ts';
import { cycleItem } from './cycle-item.ts';
import { putDeadLetterItem, readDeadLetterItems } from './dead-letter-items.ts';
import { partitionItem, readEachPartitionItem, readPartitionItems } from './partition-items.ts';
import { createItem, readItem, takeItem, writeItem } from './state-item.ts';
import type { StateTable } from './state-table.ts';

const DAY = 86_400_000;

/** How long committed batches stay listed, milliseconds: what an audit can look back over. */
export const DEFAULT_BATCH_RETENTION = 14 * DAY;

/** @param retention of committed batches in the ledger, milliseconds. */
export function dynamoStateStore(table: StateTable, retention = DEFAULT_BATCH_RETENTION): StateStore {
  const partition = (pipeline: string, number: number) => partitionItem(table, pipeline, number);
  const cycle = (pipeline: string) => cycleItem(table, pipeline);
  return {
    createPartition: (state, deadline) =>
      createItem(partition(state.pipeline, state.partition), state, deadline),
    readPartition: (pipeline, number, deadline) => readItem(partition(pipeline, number), deadline),
    readPartitions: (pipeline, partitions, deadline) =>
      readPartitionItems(table, pipeline, partitions, deadline),
    readEachPartition: (pipeline, partitions, deadline) =>
      readEachPartitionItem(table, pipeline, partitions, deadline),
    takePartition: (pipeline, number, claim, deadline) =>
      takeItem(partition(pipeline, number), claim, deadline),
    writePartition: (next, deadline) => writeItem(partition(next.pipeline, next.partition), next, deadline),

    putBatch: (record, deadline) => putBatchItem(table, record, retention, deadline),
    readBatches: (pipeline, number, generation, deadline) =>
      readBatchItems(table, pipeline, number, generation, deadline),
    readBatchesFrom: (range, deadline) => readBatchItemsFrom(table, range, deadline),
    putDeadLetterBatch: (batch, deadline) => putDeadLetterItem(table, batch, deadline),
    readDeadLetterBatches: (range, deadline) => readDeadLetterItems(table, range, deadline),

    createCycle: (state, deadline) => createItem(cycle(state.pipeline), state, deadline),
    readCycle: (pipeline, deadline) => readItem(cycle(pipeline), deadline),
    takeCycle: (pipeline, claim, deadline) => takeItem(cycle(pipeline), claim, deadline),
    writeCycle: (next, deadline) => writeItem(cycle(next.pipeline), next, deadline),

    putCheckpoint: (record, deadline) => putCheckpointItem(table, record, deadline),
    readCheckpoint: (pipeline, number, deadline) => readCheckpointItem(table, pipeline, number, deadline),
    readCheckpoints: (pipeline, limit, deadline) => readCheckpointItems(table, pipeline, limit, deadline),

    close: () => table.client.destroy(),
  };
}
