import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type AwsEndpoint, awsClientOptions } from '../aws/client-options.ts';
import type { Environment } from '../ports/environment.ts';
import type { StateStore } from '../ports/state-store.ts';
import { putBatchItem, readBatchItems } from './batch-ledger.ts';
import { putCheckpointItem, readCheckpointItem, readCheckpointItems } from './checkpoint-items.ts';
import { cycleItem } from './cycle-item.ts';
import { partitionItem, readPartitionItems } from './partition-items.ts';
import { createItem, readItem, takeItem, writeItem } from './state-item.ts';
import type { StateTable } from './state-table.ts';

const DAY = 86_400_000;

/** How long committed batches stay listed, milliseconds: what an audit can look back over. */
export const DEFAULT_BATCH_RETENTION = 14 * DAY;

export interface StateStoreOptions extends AwsEndpoint {
  readonly table: string;
  readonly environment: Environment;
  /** Milliseconds. @default DEFAULT_BATCH_RETENTION */
  readonly batchRetention?: number | undefined;
}

export function stateTable(options: StateStoreOptions): StateTable {
  return {
    client: new DynamoDBClient(awsClientOptions(options)),
    name: options.table,
    server: options.endpoint ?? `DynamoDB ${options.region ?? ''}`.trim(),
    environment: options.environment,
  };
}

/** The state store on one DynamoDB table. */
export function dynamoStateStore(options: StateStoreOptions): StateStore {
  const table = stateTable(options);
  const retention = options.batchRetention ?? DEFAULT_BATCH_RETENTION;
  const partition = (pipeline: string, number: number) => partitionItem(table, pipeline, number);
  const cycle = (pipeline: string) => cycleItem(table, pipeline);
  return {
    createPartition: (state, deadline) =>
      createItem(partition(state.pipeline, state.partition), state, deadline),
    readPartition: (pipeline, number, deadline) => readItem(partition(pipeline, number), deadline),
    readPartitions: (pipeline, partitions, deadline) =>
      readPartitionItems(table, pipeline, partitions, deadline),
    takePartition: (pipeline, number, claim, deadline) =>
      takeItem(partition(pipeline, number), claim, deadline),
    writePartition: (next, deadline) => writeItem(partition(next.pipeline, next.partition), next, deadline),

    putBatch: (record, deadline) => putBatchItem(table, record, retention, deadline),
    readBatches: (pipeline, number, generation, deadline) =>
      readBatchItems(table, pipeline, number, generation, deadline),

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
