import { PulsehouseError } from '../pipeline/errors.ts';
import { formatPosition } from '../pipeline/position.ts';
import type { LeaveOut, RowRange } from '../ports/sink.ts';
import { ask, type ConsumeContext, whereOf } from './context.ts';

/** Answers which messages of the range have their row already, so that only the missing ones are sent. */
export async function findPresentRows(context: ConsumeContext, range: RowRange): Promise<LeaveOut> {
  const entries = await ask(context, (deadline) => context.sink.indexesIn(range, deadline));
  const present = new Map<string, ReadonlySet<number>>();
  for (const { position, indexes } of entries) {
    const distinct = new Set(indexes);
    if (distinct.size !== indexes.length) {
      throw new PulsehouseError('PH_HALT_ROWS_DOUBLED', 'rows of one entry stand there more than once', {
        where: { ...whereOf(context), position: formatPosition(position) },
      });
    }
    present.set(formatPosition(position), distinct);
  }
  return (position, index) => present.get(formatPosition(position))?.has(index) ?? false;
}
