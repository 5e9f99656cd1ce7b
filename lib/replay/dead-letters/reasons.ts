import type { FoundLetter } from './find.ts';
import { formatPlace } from './place.ts';

export interface ReasonCount {
  /** With … where the letters differ: values, and numbers. */
  readonly reason: string;
  readonly count: number;
  /** Where the first one stands: `partition/ledger:entry#index`. */
  readonly first: string;
}

/** So many kinds are told apart; the others are counted together. */
const MOST_KINDS = 200;
const LONGEST = 300;
const OTHERS = 'other reasons';

/** How often each kind of reason is given, the most frequent first. */
export async function countReasons(
  found: AsyncGenerator<FoundLetter, void, void>,
): Promise<{ readonly deadLetters: number; readonly reasons: readonly ReasonCount[] }> {
  const kinds = new Map<string, { count: number; readonly first: string }>();
  let deadLetters = 0;
  for await (const one of found) {
    deadLetters += 1;
    const wanted = kindOf(one.letter.reason);
    const kind = kinds.has(wanted) || kinds.size < MOST_KINDS ? wanted : OTHERS;
    const known = kinds.get(kind);
    if (known) known.count += 1;
    else kinds.set(kind, { count: 1, first: formatPlace(one) });
  }
  const reasons = [...kinds].map(([reason, { count, first }]) => ({ reason, count, first }));
  return { deadLetters, reasons: reasons.sort((a, b) => b.count - a.count) };
}

/** What two letters of the same kind have in common: what is quoted, and every number, belongs to the one message. */
function kindOf(reason: string): string {
  return reason
    .slice(0, LONGEST)
    .replaceAll(/'[^']*'|"[^"]*"/g, "'…'")
    .replaceAll(/\d+/g, '…');
}
