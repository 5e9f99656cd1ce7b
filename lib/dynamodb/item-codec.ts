import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import { PulsehouseError } from '../pipeline/errors.ts';
import { EXPIRES, formatKey, ITEM, type ItemKey, SCOPE } from './keys.ts';

export type Attributes = Record<string, AttributeValue>;

/**
 * Layout of every item. It is raised when an item's attributes change their meaning, or when there is one that a program
 * must not pass over; a program refuses items of any other layout instead of guessing, since what it would misread are
 * positions.
 */
export const LAYOUT = 1;

/** Turns a value into an item's attributes and back; both ways are validated. */
export interface ItemCodec<T> {
  encode(key: ItemKey, value: T): Attributes;
  /** @throws PulsehouseError PH_STATE_LAYOUT or PH_STATE_CORRUPT when the item lacks what this version writes. */
  decode(key: ItemKey, item: Attributes): T;
}

/** `added`: attributes (`orMissing`) that items of earlier versions do not have. */
export function itemCodec<T>(schema: z.ZodType<T>, added: readonly (keyof T & string)[] = []): ItemCodec<T> {
  const absent = Object.fromEntries(added.map((name) => [name, undefined]));
  return {
    encode(key, value) {
      const stored = z.encode(schema, value);
      const attributes = { layout: LAYOUT, ...(stored as object) };
      return { ...marshall(attributes, { removeUndefinedValues: true }), ...key };
    },
    decode(key, item) {
      const { [SCOPE]: _scope, [ITEM]: _item, [EXPIRES]: _expires, ...attributes } = item;
      const { layout, ...stored } = readNumbers(key, attributes);
      if (layout !== LAYOUT) throw foreignLayout(key, layout);
      const result = z.safeDecode(schema, { ...absent, ...stored } as never);
      if (!result.success) throw corrupt(key, z.prettifyError(result.error), result.error);
      return result.data;
    },
  };
}

function readNumbers(key: ItemKey, attributes: Attributes): Record<string, unknown> {
  try {
    return unmarshall(attributes);
  } catch (error) {
    throw corrupt(key, 'a number does not fit', error);
  }
}

function foreignLayout(key: ItemKey, layout: unknown): PulsehouseError {
  const age = typeof layout === 'number' && layout > LAYOUT ? 'a newer' : 'another';
  return new PulsehouseError(
    'PH_STATE_LAYOUT',
    `state item ${formatKey(key)} was written by ${age} version of Pulsehouse: its layout is ${String(layout)}, this version's ${LAYOUT}`,
  );
}

function corrupt(key: ItemKey, detail: string, cause: unknown): PulsehouseError {
  return new PulsehouseError('PH_STATE_CORRUPT', `state item ${formatKey(key)} cannot be read: ${detail}`, {
    cause,
  });
}
