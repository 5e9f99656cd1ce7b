import pLimit from 'p-limit';
import { type DeadLetter, parseDeadLetters } from '../../consume/dead-letter-lines.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import type { DeadLetterPart } from '../../pipeline/intent.ts';
import type { BatchRecord, DeadLetterBatch } from '../../pipeline/partition-state.ts';
import {
  comparePositions,
  earlierOf,
  isAfter,
  type Position,
  parsePosition,
} from '../../pipeline/position.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { StateStore } from '../../ports/state-store.ts';
import { mergeInOrder } from './merge-in-order.ts';
import { isIn, type Segment } from './segments.ts';

/** One generation, or one replay, of a partition: what of its dead letters counts. */
export interface DeadLetterSource {
  readonly pipeline: string;
  readonly partition: number;
  readonly generation: string;
  /** Above it something else was decided, or nothing is committed. */
  readonly upTo: Position;
  /** Dead letters in there count no more: a later replay put them through the mapping again. */
  readonly decidedAnew: readonly Segment[];
  /** Records that have not expired. Earlier versions listed dead letters nowhere else. */
  readonly records: readonly BatchRecord[];
}

export interface DeadLetterStores {
  readonly state: Pick<StateStore, 'readDeadLetterBatches'>;
  readonly objects: Pick<ObjectStore, 'read'>;
}

/** Which of a partition's dead letters are wanted. */
export interface DeadLetterQuestion extends Segment {
  /** No object of a batch whose newest message is older is read (ms since the epoch). */
  readonly publishedSince?: number | undefined;
}

/** A dead letter whose text was understood. */
export interface PlacedLetter {
  readonly position: Position;
  readonly letter: DeadLetter;
}

const BATCHES_AT_ONCE = 500;
/** Objects read side by side, and waiting to be gone through. Each may be as large as a batch's dead letters. */
const OBJECTS_AT_ONCE = 16;

/**
 * The dead letters of `(after, to]` that count, in order of position and index. Only those of objects that a batch names
 * count: an object no batch names belongs to a try that ended before its intent was written. Memory holds a few objects at
 * a time, however many dead letters there are.
 * @throws PulsehouseError PH_HALT_DEAD_LETTERS_LOST when a named object is gone or holds fewer.
 */
export function deadLettersIn(
  stores: DeadLetterStores,
  sources: readonly DeadLetterSource[],
  question: DeadLetterQuestion,
  deadline: number,
): AsyncGenerator<PlacedLetter, void, void> {
  const streams = sources.map((source) => lettersOf(stores, source, question, deadline));
  return mergeInOrder(streams, compareLetters);
}

function compareLetters(a: PlacedLetter, b: PlacedLetter): number {
  return comparePositions(a.position, b.position) || a.letter.index - b.letter.index;
}

async function* lettersOf(
  stores: DeadLetterStores,
  source: DeadLetterSource,
  question: DeadLetterQuestion,
  deadline: number,
): AsyncGenerator<PlacedLetter, void, void> {
  const range = { after: question.after, to: earlierOf(question.to, source.upTo) };
  const counts = ({ position }: PlacedLetter) =>
    isIn(position, [range]) && !isIn(position, source.decidedAnew);
  const limit = pLimit(OBJECTS_AT_ONCE);
  for await (const batches of batchesOf(stores, source, range, deadline)) {
    const wanted = batches.filter(({ publishedUpTo }) => publishedUpTo >= (question.publishedSince ?? 0));
    for (let from = 0; from < wanted.length; from += OBJECTS_AT_ONCE) {
      const next = wanted.slice(from, from + OBJECTS_AT_ONCE);
      const read = await Promise.all(
        next.map(async ({ deadLetters }) => {
          const parts = await limit.map([...deadLetters.parts], (part) => readPart(stores, part, deadline));
          return parts.flat().filter(counts).sort(compareLetters);
        }),
      );
      for (const letters of read) yield* letters;
    }
  }
}

type NamedLetters = Pick<DeadLetterBatch, 'seq' | 'after' | 'to' | 'publishedUpTo' | 'deadLetters'>;

/** In order of position, some at a time. */
async function* batchesOf(
  { state }: DeadLetterStores,
  { pipeline, partition, generation, records }: DeadLetterSource,
  { after, to }: Segment,
  deadline: number,
): AsyncGenerator<readonly NamedLetters[], void, void> {
  const touches = (batch: Segment) => isAfter(batch.to, after) && isAfter(to, batch.after);
  let unlisted = records.flatMap((record) => {
    const { deadLetters } = record;
    return deadLetters && touches(record) ? [{ ...record, deadLetters }] : [];
  });
  let reached = after;
  for (;;) {
    const range = { pipeline, partition, generation, after: reached, to, limit: BATCHES_AT_ONCE };
    const listed = isAfter(to, reached) ? await state.readDeadLetterBatches(range, deadline) : [];
    const last = listed.length < BATCHES_AT_ONCE ? undefined : listed.at(-1);
    const seqs = new Set(listed.map(({ seq }) => seq));
    const isDue = (batch: NamedLetters) => !last || !isAfter(batch.to, last.to);
    const due = unlisted.filter((batch) => isDue(batch) && !seqs.has(batch.seq));
    unlisted = unlisted.filter((batch) => !isDue(batch));
    yield [...listed, ...due].sort((a, b) => comparePositions(a.to, b.to));
    if (!last) return;
    reached = last.to;
  }
}

async function readPart(
  { objects }: DeadLetterStores,
  { key, count }: DeadLetterPart,
  deadline: number,
): Promise<readonly PlacedLetter[]> {
  const body = await objects.read(key, deadline);
  const letters = body ? parseDeadLetters(body) : [];
  if (letters.length === count) {
    return letters.map((letter) => ({ position: parsePosition(letter.position), letter }));
  }
  const message = `${key} should hold ${count} dead letters and holds ${letters.length}`;
  throw new PulsehouseError('PH_HALT_DEAD_LETTERS_LOST', message);
}
