import * as z from 'zod';
import type { Exclusion } from '../pipeline/pipeline.ts';
import { type Position, parsePosition } from '../pipeline/position.ts';
import { whole } from './quantities.ts';

const wanted =
  'write ledger:entry, or a time with its zone such as 2026-11-01T00:00:00Z, or a date, which is a whole day in UTC';

const POSITION = /^\d{1,15}:\d{1,15}$/;
const DAY = 24 * 60 * 60 * 1_000;

interface End {
  readonly position?: Position;
  /** The first and the last millisecond of what was written. */
  readonly times?: { readonly first: number; readonly last: number };
}

const end = (examples: readonly string[]) =>
  z
    .string({ error: `is not the end of a range; ${wanted}` })
    .meta({ examples: [...examples] })
    .transform((text, context): End => {
      if (POSITION.test(text)) return { position: parsePosition(text) };
      if (z.iso.date().safeParse(text).success) {
        const first = Date.parse(text);
        return { times: { first, last: first + DAY - 1 } };
      }
      if (z.iso.datetime({ offset: true }).safeParse(text).success) {
        const at = Date.parse(text);
        return { times: { first: at, last: at } };
      }
      context.addIssue({ code: 'custom', message: `is not the end of a range; ${wanted}` });
      return z.NEVER;
    });

const REASON = 'write why the rows were deleted, such as the number of the request';

/** One recorded deletion: what it took, and why. */
export const exclusion = z
  .strictObject({
    reason: z
      .string({ error: `is not a reason; ${REASON}` })
      .min(1, { error: `is empty; ${REASON}` })
      .max(200, { error: 'is too long; write at most 200 characters' })
      .meta({ description: 'Why the rows were deleted.', examples: ['erasure request 4711'] }),
    partition: whole({ min: 0, max: 100_000 })
      .meta({ description: 'Partition; needed with positions, every partition when left out with times.' })
      .optional(),
    from: end(['34:0', '2026-11-01', '2026-11-01T00:00:00Z']).meta({
      description: 'First entry, or the earliest publish time; itself a part of it.',
    }),
    to: end(['34:99', '2026-11-01', '2026-11-01T12:00:00Z']).meta({
      description: 'Last entry, or the latest publish time; itself a part of it.',
    }),
  })
  .transform(({ reason, partition, from, to }, context): Exclusion => {
    const refuse = (key: string, message: string) => {
      context.addIssue({ code: 'custom', path: [key], message });
      return z.NEVER;
    };
    if (from.times && to.times) {
      const range = { from: from.times.first, to: to.times.last };
      if (range.from > range.to) return refuse('to', 'is before from; write the later time');
      return { reason, ...(partition !== undefined && { partition }), published: range };
    }
    if (!from.position || !to.position) {
      return refuse('to', 'is not of the kind that from is; write two positions or two times');
    }
    if (partition === undefined) return refuse('from', 'belongs to one partition; name it with partition');
    const { ledger, entry } = from.position;
    const positions = { after: { ledger, entry: entry - 1 }, to: to.position };
    const before = to.position.ledger - ledger || to.position.entry - entry;
    if (before < 0) return refuse('to', 'is before from; write the later position');
    return { reason, partition, positions };
  });
