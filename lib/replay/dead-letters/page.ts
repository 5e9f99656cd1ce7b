import type { FoundLetter } from './find.ts';
import { formatPlace } from './place.ts';

export interface LetterPage {
  readonly letters: readonly FoundLetter[];
  /** Whether there are more behind the last one. */
  readonly next: string | undefined;
}

/** A page ends early where its payloads are long: it is held whole. */
const MOST_BYTES = 64 * 1024 * 1024;

/** The first `limit` dead letters, or fewer, but one at least where there is one. */
export async function readPage(
  found: AsyncGenerator<FoundLetter, void, void>,
  limit: number,
  mostBytes = MOST_BYTES,
): Promise<LetterPage> {
  const letters: FoundLetter[] = [];
  let bytes = 0;
  for await (const one of found) {
    const last = letters.at(-1);
    bytes += one.letter.payload.length;
    if (last && (letters.length === limit || bytes > mostBytes)) return { letters, next: formatPlace(last) };
    letters.push(one);
  }
  return { letters, next: undefined };
}
