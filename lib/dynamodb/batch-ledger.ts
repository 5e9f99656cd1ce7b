import * as z from 'zod';
import type { BatchRecord } from '../pipeline/partition-state.ts';
import { isReplayScope } from '../pipeline/replay.ts';
import type { BatchRange } from '../ports/state-store.ts';
import { putDeadLetterItem } from './dead-letter-items.ts';
import { itemCodec } from './item-codec.ts';
import { count, object } from './item-fields.ts';
import { batchKey, batchPrefix, EXPIRES, ITEM, keyOf, partitionScope } from './keys.ts';
import { intentFields } from './partition-codec.ts';
import { queryPages } from './query.ts';
import { putRecord } from './recorded-item.ts';
import type { StateTable } from './state-table.ts';

export const batchCodec = itemCodec<BatchRecord>(
  object({
    ...intentFields,
    pipeline: z.string().min(1),
    partition: count,
    epoch: count,
    committedAt: count,
  }),
);

/**
 * `retention` in milliseconds: afterwards DynamoDB deletes the item by itself. Not one of a replay: there are few, and what
 * a replay that was given up came to stands in no other place. Dead letters are listed first: nobody may find the record
 * alone.
 */
export async function putBatchItem(
  table: StateTable,
  record: BatchRecord,
  retention: number,
  deadline: number,
): Promise<void> {
  const { deadLetters, pipeline, partition, generation, seq, epoch } = record;
  if (deadLetters) {
    const { after, to, publishedUpTo } = record;
    const batch = { pipeline, partition, generation, seq, epoch, after, to, publishedUpTo, deadLetters };
    await putDeadLetterItem(table, batch, deadline);
  }
  const item = batchCodec.encode(batchKey(pipeline, partition, generation, seq), record);
  const expires = Math.ceil((record.committedAt + retention) / 1000);
  const expiring = { ...item, [EXPIRES]: { N: String(expires) } };
  await putRecord(table, isReplayScope(pipeline) ? item : expiring, epoch, deadline);
}

/** In order of `seq`. */
export async function readBatchItems(
  table: StateTable,
  pipeline: string,
  partition: number,
  generation: string,
  deadline: number,
): Promise<readonly BatchRecord[]> {
  const all = { pipeline, partition, generation, from: 0, limit: Number.POSITIVE_INFINITY };
  return readBatchItemsFrom(table, all, deadline);
}

export async function readBatchItemsFrom(
  table: StateTable,
  { pipeline, partition, generation, from, limit }: BatchRange,
  deadline: number,
): Promise<readonly BatchRecord[]> {
  const prefix = batchPrefix(generation);
  const first = batchKey(pipeline, partition, generation, from)[ITEM].S;
  const scope = partitionScope(pipeline, partition);
  const range = { scope, prefix, from: first, order: 'ascending', limit } as const;
  const records: BatchRecord[] = [];
  // Page by page: an item as it comes is several times what is made of it.
  for await (const items of queryPages(table, range, deadline))
    for (const item of items) records.push(batchCodec.decode(keyOf(item), item));
  return records;
}
