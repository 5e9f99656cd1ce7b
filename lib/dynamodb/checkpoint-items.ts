import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import type { CheckpointRecord } from '../pipeline/cycle-state.ts';
import { itemCodec } from './item-codec.ts';
import { count, object, orUndefined } from './item-fields.ts';
import { CHECKPOINT_PREFIX, checkpointKey, keyOf, pipelineScope } from './keys.ts';
import { queryItems } from './query.ts';
import { putRecord } from './recorded-item.ts';
import { ask, type StateTable } from './state-table.ts';

export const checkpointCodec = itemCodec<CheckpointRecord>(
  object({
    pipeline: z.string().min(1),
    number: z.int().positive(),
    epoch: count,
    status: z.enum(['open', 'complete', 'abandoned']),
    openedAt: count,
    completedAt: orUndefined(count),
    snapshotKey: orUndefined(z.string().min(1)),
    messages: count,
    rows: count,
    deadLetters: count,
    filtered: count.optional(),
    batches: count.optional(),
    laggards: z.array(count),
    laggardCount: count,
  }),
);

export function putCheckpointItem(
  table: StateTable,
  record: CheckpointRecord,
  deadline: number,
): Promise<void> {
  const key = checkpointKey(record.pipeline, record.number);
  return putRecord(table, checkpointCodec.encode(key, record), record.epoch, deadline);
}

export async function readCheckpointItem(
  table: StateTable,
  pipeline: string,
  number: number,
  deadline: number,
): Promise<CheckpointRecord | undefined> {
  const key = checkpointKey(pipeline, number);
  const command = new GetItemCommand({ TableName: table.name, Key: { ...key }, ConsistentRead: true });
  const { Item } = await ask(table, deadline, (options) => table.client.send(command, options));
  return Item && checkpointCodec.decode(key, Item);
}

/** Newest first. */
export async function readCheckpointItems(
  table: StateTable,
  pipeline: string,
  limit: number,
  deadline: number,
): Promise<readonly CheckpointRecord[]> {
  const range = {
    scope: pipelineScope(pipeline),
    prefix: CHECKPOINT_PREFIX,
    order: 'descending',
    limit,
  } as const;
  const items = await queryItems(table, range, deadline);
  return items.map((item) => checkpointCodec.decode(keyOf(item), item));
}
