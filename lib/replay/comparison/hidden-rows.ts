import { PulsehouseError } from '../../pipeline/errors.ts';
import type { Sink } from '../../ports/sink.ts';

/**
 * What is not seen would be taken for missing, and a repair would store it again.
 * @throws PulsehouseError PH_ROWS_HIDDEN when the user does not see every row of the table.
 */
export async function refuseHiddenRows(sink: Sink, deadline: number): Promise<void> {
  const filter = await sink.rowsHidden(deadline);
  if (filter === undefined) return;
  throw new PulsehouseError(
    'PH_ROWS_HIDDEN',
    `rows of ${sink.table} cannot be counted: the user sees only those with ${filter} (row policy)`,
    { where: { table: sink.table } },
  );
}
