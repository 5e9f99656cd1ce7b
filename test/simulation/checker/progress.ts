import type { Intent } from '../../../lib/pipeline/intent.ts';
import type { Fenced, PartitionState } from '../../../lib/pipeline/partition-state.ts';
import { isAfter, isSamePosition } from '../../../lib/pipeline/position.ts';
import type { Violation } from '../violation.ts';
import type { Ledger } from './ledger.ts';

/** Invariant 4: what a write leaves must follow from what it found, whoever made it. */
export function fencingFault(before: Fenced, after: Fenced): Violation | undefined {
  const bad = (message: string): Violation => ({ invariant: '4 fenced by epoch and version', message });
  if (after.epoch < before.epoch) {
    return bad(`epoch ${after.epoch} wrote although epoch ${before.epoch} holds the lease`);
  }
  const taken = after.epoch > before.epoch;
  if (!taken && after.version !== before.version + 1) {
    return bad(`version ${after.version} was written over version ${before.version}`);
  }
  if (!taken && after.owner !== undefined && after.owner !== before.owner) {
    return bad(`${after.owner} writes under the lease of ${before.owner ?? 'nobody'}`);
  }
  return undefined;
}

/**
 * Invariants 5, 6 and 7 for one write within one generation. While a state is being restored committed moves by itself to
 * what the table was found to hold; afterwards the totals no longer say all of what was read.
 */
export function progressFault(
  before: PartitionState,
  after: PartitionState,
  ledger: Ledger,
  must: { readonly conserved: boolean; readonly contiguous: boolean },
): Violation | undefined {
  const committed = committedIntents(before, after);
  if (!must.contiguous) return undefined;
  if (committed === undefined) {
    return {
      invariant: '6 contiguous',
      message: `committed moved from ${at(before.committed)} to ${at(after.committed)}, the end of no intent in flight`,
    };
  }
  const standing = before.inFlight.slice(committed.length);
  for (const [index, intent] of standing.entries()) {
    const now = after.inFlight[index];
    if (now === undefined || !sameBatch(intent, now)) {
      return {
        invariant: '5 a batch is never cut again',
        message: `intent ${describe(intent)} became ${now === undefined ? 'nothing' : describe(now)}`,
      };
    }
  }
  const fault = newIntentFault(before, after, standing.length, ledger);
  return fault ?? (must.conserved ? conservationFault(after, ledger) : undefined);
}

/** Intents that this write commits; undefined when the committed position is the end of none. */
export function committedIntents(
  before: PartitionState,
  after: PartitionState,
): readonly Intent[] | undefined {
  if (isSamePosition(before.committed, after.committed)) return [];
  const last = before.inFlight.findIndex((intent) => isSamePosition(intent.to, after.committed));
  return last < 0 ? undefined : before.inFlight.slice(0, last + 1);
}

function sameBatch(before: Intent, after: Intent): boolean {
  return (
    before.seq === after.seq &&
    before.generation === after.generation &&
    isSamePosition(before.after, after.after) &&
    isSamePosition(before.to, after.to) &&
    before.messages === after.messages &&
    before.digest === after.digest &&
    after.attempt >= before.attempt &&
    after.notAfter >= before.notAfter
  );
}

function newIntentFault(
  before: PartitionState,
  after: PartitionState,
  standing: number,
  ledger: Ledger,
): Violation | undefined {
  let end = after.inFlight[standing - 1]?.to ?? after.committed;
  let seq = before.seq;
  for (const intent of after.inFlight.slice(standing)) {
    seq += 1;
    if (!isSamePosition(intent.after, end) || !isAfter(intent.to, intent.after) || intent.seq !== seq) {
      return { invariant: '6 contiguous', message: `intent ${describe(intent)} does not follow ${at(end)}` };
    }
    const entries = ledger.entries(intent.after, intent.to);
    const messages = entries.reduce((sum, entry) => sum + entry.messages, 0);
    const asRead = messages === intent.messages && entries.length === intent.entries;
    if (!asRead && !ledger.hasForgotten(intent.after, intent.to)) {
      return {
        invariant: '6 contiguous',
        message: `intent ${describe(intent)} counts ${intent.messages} messages in ${intent.entries} entries; the topic has ${messages} in ${entries.length}`,
      };
    }
    end = intent.to;
  }
  return undefined;
}

function conservationFault(after: PartitionState, ledger: Ledger): Violation | undefined {
  const { totals, origin, committed } = after;
  if (ledger.hasForgotten(origin, committed)) return undefined;
  const messages = ledger.entries(origin, committed).reduce((sum, entry) => sum + entry.messages, 0);
  const accounted = totals.rows + totals.filtered + totals.deadLetters;
  const { least, most } = ledger.leftOut(origin, committed);
  if (totals.messages === messages && accounted === messages) {
    if (totals.filtered >= least && totals.filtered <= most) return undefined;
  }
  return {
    invariant: '7 conservation',
    message: `${messages} messages stand in the topic up to ${at(committed)}; the totals say ${JSON.stringify(totals)}`,
  };
}

function at(position: { readonly ledger: number; readonly entry: number }): string {
  return `${position.ledger}:${position.entry}`;
}

function describe(intent: Intent): string {
  return `${intent.seq} (${at(intent.after)}, ${at(intent.to)}]#${intent.attempt}`;
}
