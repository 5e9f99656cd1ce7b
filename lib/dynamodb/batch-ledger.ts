import * as z from 'zod';
import type { BatchRecord } from '../pipeline/partition-state.ts';
import { itemCodec } from './item-codec.ts';
import { count } from './item-fields.ts';
import { batchKey, batchPrefix, EXPIRES, keyOf, partitionScope } from './keys.ts';
import { intentFields } from './partition-items.ts';
import { queryItems } from './query.ts';
import { putRecord } from './recorded-item.ts';
import type { StateTable } from './state-table.ts';

const batchCodec = itemCodec<BatchRecord>(
  z.strictObject({
    ...intentFields,
    pipeline: z.string().min(1),
    partition: count,
    epoch: count,
    committedAt: count,
  }),
);

/** `retention` in milliseconds: afterwards DynamoDB deletes the item by itself. */
export function putBatchItem(
  table: StateTable,
  record: BatchRecord,
  retention: number,
  deadline: number,
): Promise<void> {
  const key = batchKey(record.pipeline, record.partition, record.generation, record.seq);
  const expires = Math.ceil((record.committedAt + retention) / 1000);
  const item = { ...batchCodec.encode(key, record), [EXPIRES]: { N: String(expires) } };
  return putRecord(table, item, record.epoch, deadline);
}

/** In order of `seq`. */
export async function readBatchItems(
  table: StateTable,
  pipeline: string,
  partition: number,
  generation: string,
  deadline: number,
): Promise<readonly BatchRecord[]> {
  const range = {
    scope: partitionScope(pipeline, partition),
    prefix: batchPrefix(generation),
    order: 'ascending',
  } as const;
  const items = await queryItems(table, range, deadline);
  return items.map((item) => batchCodec.decode(keyOf(item), item));
}
