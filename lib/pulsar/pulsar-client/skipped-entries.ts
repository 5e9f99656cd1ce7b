import { PulsehouseError } from '../../pipeline/errors.ts';
import { formatPosition, type Position } from '../../pipeline/position.ts';
import type { PartitionStats, TopicAdmin } from '../admin/topic-admin.ts';
import { interleaved } from './entry-assembler.ts';

/** Whether nothing can lie between the two, as their ids alone say. */
export function follows(seen: Position, next: Position): boolean {
  return seen.ledger === next.ledger && seen.entry + 1 === next.entry;
}

/**
 * The client drops what it cannot check, decompress or put together, and goes on. It shows only in ids that skip, which
 * markers and aborted transactions explain just as well: so every skipped entry is looked at.
 * @throws PulsehouseError PH_PULSAR_ENTRIES_MISSING, PH_PULSAR_CHUNKS_INCOMPLETE
 */
export async function explainSkipped(
  admin: TopicAdmin,
  topic: string,
  seen: Position,
  next: Position,
  deadline: number,
): Promise<void> {
  const stats = await admin.stats(topic, deadline);
  for (const position of between(stats, seen, next)) {
    const found = await admin.entryAt(topic, position, deadline);
    if (found === 'chunk')
      throw interleaved(position, `the one at ${formatPosition(position)}`).at({ topic });
    if (found === 'message' || found === 'unreadable') {
      throw new PulsehouseError(
        'PH_PULSAR_ENTRIES_MISSING',
        `the client went from ${formatPosition(seen)} to ${formatPosition(next)} and left out the entry at ${formatPosition(position)}`,
        {
          where: { topic, position: formatPosition(position) },
          nextStep: 'Set PULSAR_TRANSPORT=wire, which says what is wrong with that entry.',
        },
      );
    }
  }
}

/** Every position that the ledgers still have between the two. */
export function* between({ ledgers }: PartitionStats, seen: Position, next: Position): Generator<Position> {
  for (const { ledger, entries } of ledgers) {
    if (ledger < seen.ledger || ledger > next.ledger) continue;
    const from = ledger === seen.ledger ? seen.entry + 1 : 0;
    const to = ledger === next.ledger ? next.entry : (entries ?? 0);
    for (let entry = from; entry < to; entry++) yield { ledger, entry };
  }
}
