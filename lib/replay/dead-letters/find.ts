import type { DeadLetter } from '../../consume/dead-letter-lines.ts';
import { BEFORE_ALL, comparePositions, LAST_OF_ALL, type Position } from '../../pipeline/position.ts';
import { deadLettersIn } from '../comparison/dead-letters-in.ts';
import { type PlanDependencies, readLedgers } from '../replay/plan.ts';
import type { LetterPlace } from './place.ts';

export interface LetterFilter {
  /** All of them when left out. */
  readonly partitions?: readonly number[] | undefined;
  /** Only those behind it. */
  readonly after?: LetterPlace | undefined;
  /** Only those of one entry. */
  readonly position?: Position | undefined;
  /** Publish times from the first instant up to, but not including, the second (ms since the epoch). */
  readonly publishedSince?: number | undefined;
  readonly publishedBefore?: number | undefined;
  /** Part of the reason, in any case. */
  readonly reason?: string | undefined;
}

export interface FoundLetter extends LetterPlace {
  readonly letter: DeadLetter;
}

type Dependencies = Pick<PlanDependencies, 'state' | 'replays' | 'objects' | 'pipeline'>;

/**
 * The dead letters of a pipeline that count and that the filter lets through, partition by partition, in order. What became
 * a row by a redrive is none any more. Memory holds a few objects at a time.
 * @throws PulsehouseError PH_STATE_MISSING, PH_RANGE_INVALID, PH_HALT_DEAD_LETTERS_LOST
 */
export async function* findDeadLetters(
  dependencies: Dependencies,
  filter: LetterFilter,
  deadline: number,
): AsyncGenerator<FoundLetter, void, void> {
  const ledgers = await readLedgers(dependencies, filter.partitions, deadline);
  for (const { state, deadLetterSources } of ledgers) {
    const { partition } = state;
    const begin = filter.after;
    if (begin && partition < begin.partition) continue;
    const after = begin?.partition === partition ? begin : undefined;
    const question = { ...segmentOf(filter, after), publishedSince: filter.publishedSince };
    for await (const found of deadLettersIn(dependencies, deadLetterSources, question, deadline)) {
      const { position, letter } = found;
      const place = { partition, position, index: letter.index };
      if (isBehind(place, after) && isWanted(letter, filter)) yield { ...place, letter };
    }
  }
}

function segmentOf({ position }: LetterFilter, after: LetterPlace | undefined) {
  if (position) return { after: justBelow(position), to: position };
  return { after: after ? justBelow(after.position) : BEFORE_ALL, to: LAST_OF_ALL };
}

function justBelow({ ledger, entry }: Position): Position {
  return { ledger, entry: entry - 1 };
}

function isBehind(place: LetterPlace, after: LetterPlace | undefined): boolean {
  if (!after) return true;
  return (comparePositions(place.position, after.position) || place.index - after.index) > 0;
}

function isWanted(
  { publishTime, reason }: DeadLetter,
  { publishedSince = 0, publishedBefore = Number.POSITIVE_INFINITY, reason: part = '' }: LetterFilter,
): boolean {
  if (publishTime < publishedSince || publishTime >= publishedBefore) return false;
  return reason.toLowerCase().includes(part.toLowerCase());
}
