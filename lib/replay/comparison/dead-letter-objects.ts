import pLimit from 'p-limit';
import { type DeadLetter, parseDeadLetters } from '../../consume/dead-letter-lines.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import type { DeadLetterPart } from '../../pipeline/intent.ts';
import { parsePosition } from '../../pipeline/position.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { ReadBatch } from './ledger.ts';
import { isIn, type Segment } from './segments.ts';

/** Objects that are read, or wait to be gone through, at once: each may be as large as a batch's dead letters. */
const OBJECTS_AT_ONCE = 16;

interface NamedPart extends DeadLetterPart {
  readonly decidedAnew: readonly Segment[];
}

/**
 * The dead letters that the given batches name and that still count, object by object in the order of the batches. Only
 * those count: an object no batch names belongs to a try that ended before its intent was written. Objects are read side by
 * side, a bounded number ahead.
 * @throws PulsehouseError PH_HALT_DEAD_LETTERS_LOST when a named object is gone or holds fewer.
 */
export async function* readDeadLetterObjects(
  objects: ObjectStore,
  batches: readonly ReadBatch[],
  deadline: number,
): AsyncGenerator<readonly DeadLetter[], void, void> {
  const parts = batches.flatMap(({ deadLetters, decidedAnew = [] }) =>
    (deadLetters?.parts ?? []).map((part) => ({ ...part, decidedAnew })),
  );
  const limit = pLimit(OBJECTS_AT_ONCE);
  for (let from = 0; from < parts.length; from += OBJECTS_AT_ONCE) {
    const next = parts.slice(from, from + OBJECTS_AT_ONCE);
    yield* await limit.map(next, (part) => readPart(objects, part, deadline));
  }
}

async function readPart(
  objects: ObjectStore,
  { key, count, decidedAnew }: NamedPart,
  deadline: number,
): Promise<readonly DeadLetter[]> {
  const body = await objects.read(key, deadline);
  const letters = body ? parseDeadLetters(body) : [];
  if (letters.length !== count) {
    const message = `${key} should hold ${count} dead letters and holds ${letters.length}`;
    throw new PulsehouseError('PH_HALT_DEAD_LETTERS_LOST', message);
  }
  if (decidedAnew.length === 0) return letters;
  return letters.filter(({ position }) => !isIn(parsePosition(position), decidedAnew));
}
