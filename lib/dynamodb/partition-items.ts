import { type AttributeValue, BatchGetItemCommand } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { isPulsehouseError } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import type { PartitionsRead, UnreadableState } from '../ports/state-store.ts';
import type { Attributes } from './item-codec.ts';
import { partitionKey, SCOPE } from './keys.ts';
import { partitionCodec } from './partition-codec.ts';
import type { StateItem } from './state-item.ts';
import { ask, type StateTable } from './state-table.ts';

export function partitionItem(
  table: StateTable,
  pipeline: string,
  partition: number,
): StateItem<PartitionState> {
  return { table, key: partitionKey(pipeline, partition), codec: partitionCodec };
}

/** DynamoDB's own bounds: keys in one request; and requests at once, which keeps memory and sockets few. */
const KEYS_A_REQUEST = 100;
const REQUESTS_AT_ONCE = 4;

/** The first so many, or those that are named, in order; a missing one is left out. */
export async function readPartitionItems(
  table: StateTable,
  pipeline: string,
  partitions: number | readonly number[],
  deadline: number,
): Promise<readonly PartitionState[]> {
  const { states, unreadable } = await readEachPartitionItem(table, pipeline, partitions, deadline);
  const [first] = unreadable;
  if (first) throw first.error;
  return states;
}

export async function readEachPartitionItem(
  table: StateTable,
  pipeline: string,
  partitions: number | readonly number[],
  deadline: number,
): Promise<PartitionsRead> {
  const numbers = typeof partitions === 'number' ? [...Array(partitions).keys()] : partitions;
  const keys = numbers.map((partition) => partitionKey(pipeline, partition));
  const chunks = Array.from({ length: Math.ceil(keys.length / KEYS_A_REQUEST) }, (_, chunk) =>
    keys.slice(chunk * KEYS_A_REQUEST, (chunk + 1) * KEYS_A_REQUEST),
  );
  const items = new Map<AttributeValue['S'], Attributes>();
  const limit = pLimit(REQUESTS_AT_ONCE);
  await limit.map(chunks, async (chunk) => {
    for (const item of await readAll(table, chunk, deadline)) items.set(item[SCOPE]?.S, item);
  });
  const states: PartitionState[] = [];
  const unreadable: UnreadableState[] = [];
  for (const [at, partition] of numbers.entries()) {
    const key = keys[at] ?? partitionKey(pipeline, partition);
    const item = items.get(key[SCOPE].S);
    if (!item) continue;
    try {
      states.push(partitionCodec.decode(key, item));
    } catch (error) {
      if (!isPulsehouseError(error)) throw error;
      unreadable.push({ partition, error });
    }
  }
  return { states, unreadable };
}

/** An answer holds at most 16 MB, and a throttled table leaves keys out of it: those are asked for again. */
async function readAll(
  table: StateTable,
  keys: readonly Attributes[],
  deadline: number,
): Promise<readonly Attributes[]> {
  const items: Attributes[] = [];
  let open = [...keys];
  for (let tries = 0; open.length > 0; tries += 1) {
    if (tries > 0) await table.environment.sleep(backOff(tries, table.environment.random()));
    const command = new BatchGetItemCommand({
      RequestItems: { [table.name]: { Keys: open, ConsistentRead: true } },
    });
    const answer = await ask(table, deadline, (options) => table.client.send(command, options));
    items.push(...(answer.Responses?.[table.name] ?? []));
    open = answer.UnprocessedKeys?.[table.name]?.Keys ?? [];
  }
  return items;
}

/** Milliseconds, jittered; the SDK does the same for requests refused whole, but knows nothing of part answers. */
function backOff(tries: number, random: number): number {
  return random * Math.min(1_000, 25 * 2 ** tries);
}
