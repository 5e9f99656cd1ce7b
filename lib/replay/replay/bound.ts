import { PulsehouseError } from '../../pipeline/errors.ts';
import { type Position, parsePosition } from '../../pipeline/position.ts';

/** One end of a replay's range, as a person gives it. */
export type Bound =
  | { readonly kind: 'checkpoint'; readonly number: number }
  | { readonly kind: 'position'; readonly position: Position }
  /** Milliseconds since the epoch, compared with publish times. */
  | { readonly kind: 'time'; readonly publishTime: number }
  /** Where the partition's state began. */
  | { readonly kind: 'origin' }
  /** What is committed now. */
  | { readonly kind: 'committed' };

/** Publish times are given in milliseconds and have this many digits until the year 2286; no checkpoint number has. */
const DIGITS_OF_A_TIME = 13;

/**
 * `12` or `checkpoint:12`, `ledger:entry`, an ISO date or date and time, milliseconds since the epoch, `origin`, `committed`.
 * @throws PulsehouseError PH_RANGE_INVALID
 */
export function parseBound(text: string): Bound {
  if (text === 'origin' || text === 'committed') return { kind: text };
  const checkpoint = /^(?:checkpoint:)?(\d+)$/.exec(text)?.[1];
  if (checkpoint !== undefined && checkpoint.length < DIGITS_OF_A_TIME) {
    return { kind: 'checkpoint', number: Number(checkpoint) };
  }
  if (/^\d{13}$/.test(text)) return { kind: 'time', publishTime: Number(text) };
  if (/^-?\d+:-?\d+$/.test(text)) return { kind: 'position', position: parsePosition(text) };
  if (/^\d{4}-\d{2}-\d{2}/.test(text)) {
    const publishTime = Date.parse(text);
    if (!Number.isNaN(publishTime)) return { kind: 'time', publishTime };
  }
  throw new PulsehouseError('PH_RANGE_INVALID', `"${text}" is not the end of a range`);
}

export function formatBound(bound: Bound): string {
  switch (bound.kind) {
    case 'checkpoint':
      return `checkpoint ${bound.number}`;
    case 'position':
      return `${bound.position.ledger}:${bound.position.entry}`;
    case 'time':
      return new Date(bound.publishTime).toISOString();
    case 'origin':
    case 'committed':
      return bound.kind;
  }
}
