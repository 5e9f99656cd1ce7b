import { PulsehouseError } from '../../pipeline/errors.ts';
import { formatPosition, type Position } from '../../pipeline/position.ts';
import { findLeftOut } from '../admin/skipped-entries.ts';
import type { TopicAdmin } from '../admin/topic-admin.ts';
import { interleaved } from './entry-assembler.ts';

/**
 * The client drops what it cannot check, decompress or put together, and goes on. It shows only in ids that skip: so
 * every skipped entry is looked at.
 * @throws PulsehouseError PH_PULSAR_ENTRIES_MISSING, PH_PULSAR_CHUNKS_INCOMPLETE
 */
export async function explainSkipped(
  admin: TopicAdmin,
  topic: string,
  seen: Position,
  next: Position,
  deadline: number,
): Promise<void> {
  const leftOut = await findLeftOut(admin, topic, [seen, next], Number.POSITIVE_INFINITY, deadline);
  if (leftOut === undefined) return;
  const position = formatPosition(leftOut.position);
  if (leftOut.found === 'chunk') throw interleaved(leftOut.position, `the one at ${position}`).at({ topic });
  throw new PulsehouseError(
    'PH_PULSAR_ENTRIES_MISSING',
    `the client went from ${formatPosition(seen)} to ${formatPosition(next)} and left out the entry at ${position}`,
    {
      where: { topic, position },
      nextStep: 'Set PULSAR_TRANSPORT=wire, which says what is wrong with that entry.',
    },
  );
}
