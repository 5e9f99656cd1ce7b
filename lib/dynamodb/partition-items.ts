import { type AttributeValue, BatchGetItemCommand } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import * as z from 'zod';
import type { DeadLetterReference, Intent } from '../pipeline/intent.ts';
import { isPulsehouseError } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import type { PartitionsRead, UnreadableState } from '../ports/state-store.ts';
import { type Attributes, itemCodec } from './item-codec.ts';
import { count, fencedFields, orMissing, orUndefined, position } from './item-fields.ts';
import { partitionKey, SCOPE } from './keys.ts';
import type { StateItem } from './state-item.ts';
import { ask, type StateTable } from './state-table.ts';

const tokens = z.strictObject({
  table: z.string(),
  window: count,
  oldestBlock: z.int(),
  newestBlock: z.int(),
});

const part = z.strictObject({ count, key: z.string().min(1) });

/**
 * One part is stored as earlier versions stored all there was. Several are stored with what their keys have in common once:
 * there may be hundreds. Each is a line, `<count> <rest of its key>`.
 */
export const deadLetterReference = z.codec(
  z.union([
    part,
    z.strictObject({ count, prefix: z.string(), parts: z.string().regex(/^\d+ .+(\n\d+ .+)+$/) }),
  ]),
  z.custom<DeadLetterReference>(),
  {
    decode: (stored) => {
      if ('key' in stored) return { count: stored.count, parts: [stored] };
      const parts = stored.parts.split('\n').map((text) => {
        const space = text.indexOf(' ');
        return { count: Number(text.slice(0, space)), key: `${stored.prefix}${text.slice(space + 1)}` };
      });
      return { count: stored.count, parts };
    },
    encode: ({ count, parts }) => {
      const [first, ...others] = parts;
      if (first && others.length === 0) return { count, key: first.key };
      const prefix = parts.reduce((common, { key }) => commonStart(common, key), first?.key ?? '');
      const lines = parts.map((one) => `${one.count} ${one.key.slice(prefix.length)}`);
      return { count, prefix, parts: lines.join('\n') };
    },
  },
);

/** Something is left of `key`. */
function commonStart(prefix: string, key: string): string {
  let length = 0;
  const most = Math.min(prefix.length, key.length - 1);
  while (length < most && prefix[length] === key[length]) length += 1;
  return prefix.slice(0, length);
}

export const intentFields = {
  seq: z.int().positive(),
  generation: z.string().min(1),
  after: position,
  to: position,
  entries: count,
  messages: count,
  rows: count,
  filtered: count,
  bytes: count,
  digest: z.string(),
  mapping: z.string(),
  publishedUpTo: count,
  attempt: z.int().positive(),
  notAfter: count,
  tokens,
  deadLetters: orUndefined(deadLetterReference),
} satisfies Record<keyof Intent, z.ZodType>;

export const partitionCodec = itemCodec<PartitionState>(
  z.strictObject({
    ...fencedFields,
    pipeline: z.string().min(1),
    partition: count,
    topic: z.string().min(1),
    generation: z.string().min(1),
    cluster: orUndefined(z.string()),
    origin: position,
    committed: position,
    committedPublishTime: count,
    forgotten: orUndefined(position),
    lastTokens: orUndefined(tokens),
    seq: count,
    inFlight: z.array(z.strictObject(intentFields)),
    heldUntil: orUndefined(count),
    flushed: count,
    totals: z.strictObject({
      batches: count,
      entries: count,
      messages: count,
      rows: count,
      filtered: count,
      deadLetters: count,
      bytes: count,
    }),
    halted: orUndefined(
      z.strictObject({
        code: z.string(),
        reason: z.string(),
        nextStep: z.string(),
        position: orUndefined(position),
        at: count,
      }),
    ),
    viewGaps: orMissing(
      z.array(
        z.strictObject({
          after: position,
          to: position,
          rows: count,
          views: z.array(z.string()),
          answered: z.boolean(),
          since: count,
        }),
      ),
    ),
    failedTries: orMissing(
      z.strictObject({
        code: z.string(),
        message: z.string(),
        nextStep: z.string(),
        position: orUndefined(z.string()),
        count,
        since: count,
        at: count,
      }),
    ),
  }),
  ['failedTries', 'viewGaps'],
);

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
