import * as z from 'zod';
import type { DeadLetterReference, Intent } from '../pipeline/intent.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { itemCodec } from './item-codec.ts';
import { count, fencedFields, object, orMissing, orUndefined, position } from './item-fields.ts';

const tokens = object({
  table: z.string(),
  window: count,
  oldestBlock: z.int(),
  newestBlock: z.int(),
});

const part = object({ count, key: z.string().min(1) });

/**
 * One part is stored as earlier versions stored all there was. Several are stored with what their keys have in common once:
 * there may be hundreds. Each is a line, `<count> <rest of its key>`.
 */
export const deadLetterReference = z.codec(
  z.union([part, object({ count, prefix: z.string(), parts: z.string().regex(/^\d+ .+(\n\d+ .+)+$/) })]),
  z.custom<DeadLetterReference>(),
  {
    decode: (stored) => {
      if ('key' in stored) {
        const { key, ...rest } = stored;
        return { ...rest, parts: [{ count: rest.count, key }] };
      }
      const { prefix, ...rest } = stored;
      const parts = stored.parts.split('\n').map((text) => {
        const space = text.indexOf(' ');
        return { count: Number(text.slice(0, space)), key: `${prefix}${text.slice(space + 1)}` };
      });
      return { ...rest, parts };
    },
    encode: ({ parts, ...rest }) => {
      const [first, ...others] = parts;
      if (first && others.length === 0) return { ...rest, key: first.key };
      const prefix = parts.reduce((common, { key }) => commonStart(common, key), first?.key ?? '');
      const lines = parts.map((one) => `${one.count} ${one.key.slice(prefix.length)}`);
      return { ...rest, prefix, parts: lines.join('\n') };
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
  condition: orMissing(object({ hash: z.string(), counted: z.boolean() })),
} satisfies Record<keyof Intent, z.ZodType>;

export const partitionCodec = itemCodec<PartitionState>(
  object({
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
    inFlight: z.array(object(intentFields)),
    heldUntil: orUndefined(count),
    flushed: count,
    totals: object({
      batches: count,
      entries: count,
      messages: count,
      rows: count,
      filtered: count,
      deadLetters: count,
      bytes: count,
    }),
    halted: orUndefined(
      object({
        code: z.string(),
        reason: z.string(),
        nextStep: z.string(),
        position: orUndefined(position),
        at: count,
      }),
    ),
    viewGaps: orMissing(
      z.array(
        object({
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
      object({
        code: z.string(),
        message: z.string(),
        nextStep: z.string(),
        position: orUndefined(z.string()),
        count,
        since: count,
        at: count,
      }),
    ),
    rowsReplaced: orMissing(z.literal(true)),
  }),
  ['failedTries', 'viewGaps', 'rowsReplaced'],
);
