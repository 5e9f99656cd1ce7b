import * as z from 'zod';
import { formatPosition, type Position, parsePosition } from '../pipeline/position.ts';

/** Whole, exact and not negative: counts, versions and times. */
export const count = z.int().nonnegative();

/**
 * What every stored object is. A field that this version does not know is a later version's: it is kept, so that it stands
 * in what this version writes from it. Only fields that may be passed over are added under the same layout.
 */
export function object<Shape extends z.core.$ZodLooseShape>(shape: Shape): z.ZodObject<Shape> {
  return z.looseObject(shape) as unknown as z.ZodObject<Shape>;
}

/** Stored as `ledger:entry`, the form people meet everywhere else. */
export const position = z.codec(z.string().regex(/^-?\d{1,15}:-?\d{1,15}$/), z.custom<Position>(), {
  decode: parsePosition,
  encode: formatPosition,
});

/** Stored as an explicit NULL, so that an attribute that is missing is garbage and not an absent value. */
export function orUndefined<T, Stored>(schema: z.ZodType<T, Stored>) {
  return z.codec(z.nullable(schema), z.custom<T | undefined>(), {
    decode: (stored) => stored ?? undefined,
    encode: (value) => value ?? null,
  });
}

/** An attribute that items of earlier versions do not have. Left out while there is no value, so that they read it too. */
export function orMissing<T, Stored>(schema: z.ZodType<T, Stored>) {
  return z.codec(z.optional(schema), z.custom<T | undefined>(), {
    decode: (stored) => stored,
    encode: (value) => value,
  });
}

export const fencedFields = {
  epoch: count,
  version: count,
  writeId: z.string().min(1),
  follows: z.string(),
  owner: orUndefined(z.string().min(1)),
  leaseUntil: count,
};
