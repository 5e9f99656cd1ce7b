import { isPulsehouseError } from './errors.ts';
import { type Position, parsePosition } from './position.ts';

const SINGLE = /^-?\d+:-?\d+$/;

/** The one entry that an error names; undefined where it names none, or a range. */
export function positionOf(error: unknown): Position | undefined {
  const position = isPulsehouseError(error) ? error.where.position : undefined;
  return position !== undefined && SINGLE.test(position) ? parsePosition(position) : undefined;
}
