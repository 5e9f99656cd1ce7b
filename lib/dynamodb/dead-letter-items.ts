import * as z from 'zod';
import type { DeadLetterBatch } from '../pipeline/partition-state.ts';
import { isAfter } from '../pipeline/position.ts';
import type { DeadLetterRange } from '../ports/state-store.ts';
import { itemCodec } from './item-codec.ts';
import { count, object, position } from './item-fields.ts';
import { deadLetterKey, deadLetterPrefix, keyOf, partitionScope, sortable } from './keys.ts';
import { deadLetterReference } from './partition-codec.ts';
import { queryItems } from './query.ts';
import { putRecord } from './recorded-item.ts';
import type { StateTable } from './state-table.ts';

export const deadLetterCodec = itemCodec<DeadLetterBatch>(
  object({
    pipeline: z.string().min(1),
    partition: count,
    generation: z.string().min(1),
    seq: z.int().positive(),
    epoch: count,
    after: position,
    to: position,
    publishedUpTo: count,
    deadLetters: deadLetterReference,
  }),
);

/** Without an expiry. */
export function putDeadLetterItem(
  table: StateTable,
  batch: DeadLetterBatch,
  deadline: number,
): Promise<void> {
  const key = deadLetterKey(batch.pipeline, batch.partition, batch.generation, batch.to);
  return putRecord(table, deadLetterCodec.encode(key, batch), batch.epoch, deadline);
}

/** In order of position. */
export async function readDeadLetterItems(
  table: StateTable,
  { pipeline, partition, generation, after, to, limit }: DeadLetterRange,
  deadline: number,
): Promise<readonly DeadLetterBatch[]> {
  const prefix = deadLetterPrefix(generation);
  const range = {
    scope: partitionScope(pipeline, partition),
    prefix,
    from: `${prefix}${sortable({ ...after, entry: after.entry + 1 })}`,
    order: 'ascending',
    limit,
  } as const;
  const items = await queryItems(table, range, deadline);
  return items
    .map((item) => deadLetterCodec.decode(keyOf(item), item))
    .filter((batch) => isAfter(to, batch.after));
}
