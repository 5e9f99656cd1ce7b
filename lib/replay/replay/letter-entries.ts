import type { DeadLetter } from '../../consume/dead-letter-lines.ts';
import { isSamePosition, type Position } from '../../pipeline/position.ts';
import { COMPACTED_AWAY, type Entry, type MessageMetadata } from '../../ports/transport.ts';
import type { PlacedLetter } from '../comparison/dead-letters-in.ts';

/** The dead letters of one entry, in order of their indexes. */
export interface EntryLetters {
  readonly position: Position;
  readonly letters: readonly DeadLetter[];
}

/** Of letters in order. One that is named twice counts once. */
export async function* byEntry(
  letters: AsyncIterable<PlacedLetter>,
): AsyncGenerator<EntryLetters, void, void> {
  let current: { readonly position: Position; readonly letters: DeadLetter[] } | undefined;
  for await (const { position, letter } of letters) {
    if (current && isSamePosition(current.position, position)) {
      if (current.letters.at(-1)?.index !== letter.index) current.letters.push(letter);
      continue;
    }
    if (current) yield current;
    current = { position, letters: [letter] };
  }
  if (current) yield current;
}

/** The dead letters of one entry as an entry again: their messages at their own indexes, and no others. */
export function toEntry({ position, letters }: EntryLetters): Entry {
  const count = (letters.at(-1)?.index ?? -1) + 1;
  const bounds = new Int32Array(count * 2).fill(-1);
  for (let index = 0; index < count; index += 1) bounds[index * 2 + 1] = COMPACTED_AWAY;
  const payloads = letters.map(({ payload }) => Buffer.from(payload, 'base64'));
  let start = 0;
  for (const [place, { index }] of letters.entries()) {
    const end = start + (payloads[place]?.byteLength ?? 0);
    bounds[index * 2] = start;
    bounds[index * 2 + 1] = end;
    start = end;
  }
  let byIndex: ReadonlyMap<number, DeadLetter> | undefined;
  const letterAt = (index: number) => {
    byIndex ??= new Map(letters.map((letter) => [letter.index, letter]));
    return byIndex.get(index);
  };
  return {
    position,
    firstPosition: position,
    publishTime: letters[0]?.publishTime ?? 0,
    count,
    data: Buffer.concat(payloads),
    dataBytes: start,
    bounds,
    messages: letters.length,
    wireBytes: start,
    brokerIndex: undefined,
    schemaVersion: undefined,
    metadata: (index) => metadataOf(letterAt(index)),
  };
}

function metadataOf(letter: DeadLetter | undefined): MessageMetadata {
  const { key, properties = {}, eventTime = 0, sequenceId = 0, producer } = letter ?? {};
  return { key, properties, eventTime, sequenceId, producer };
}
