import { PulsehouseError } from '../../pipeline/errors.ts';
import { formatPosition, type Position, parsePosition } from '../../pipeline/position.ts';

/** Where a message stands in a pipeline. */
export interface LetterPlace {
  readonly partition: number;
  readonly position: Position;
  /** Of the message within its entry. */
  readonly index: number;
}

/** `partition/ledger:entry#index` */
export function formatPlace({ partition, position, index }: LetterPlace): string {
  return `${partition}/${formatPosition(position)}#${index}`;
}

/**
 * `ledger:entry`, with `partition/` before it and `#index` behind it where they are given.
 * @throws PulsehouseError PH_POSITION_INVALID
 */
export function parsePlace(text: string): Pick<LetterPlace, 'position'> & Partial<LetterPlace> {
  const match = /^(?:(\d{1,9})\/)?(\d+:\d+)(?:#(\d{1,9}))?$/.exec(text);
  if (!match)
    throw new PulsehouseError('PH_POSITION_INVALID', `"${text}" is not ledger:entry or ledger:entry#index`);
  const [, partition, position = '', index] = match;
  return {
    position: parsePosition(position),
    ...(partition !== undefined && { partition: Number(partition) }),
    ...(index !== undefined && { index: Number(index) }),
  };
}

/** @throws PulsehouseError PH_POSITION_INVALID */
export function parseWholePlace(text: string): LetterPlace {
  const { partition, position, index } = parsePlace(text);
  if (partition !== undefined && index !== undefined) return { partition, position, index };
  throw new PulsehouseError(
    'PH_POSITION_INVALID',
    `"${text}" is not of the form partition/ledger:entry#index`,
  );
}
