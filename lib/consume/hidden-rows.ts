import type { Intent } from '../pipeline/intent.ts';
import { ask, batchError, type ConsumeContext } from './context.ts';

/**
 * Rows that are not seen are not missing. Before rows that may have been stored once are stored again, it is known that
 * nothing hides them.
 * @throws PulsehouseError PH_HALT_ROWS_HIDDEN
 */
export async function refuseHiddenRows(context: ConsumeContext, intent: Intent): Promise<void> {
  const filter = await ask(context, (deadline) => context.sink.rowsHidden(deadline));
  if (filter === undefined) return;
  const message = `rows are not seen, and the user sees only those with ${filter}: they may be there`;
  throw batchError(context, 'PH_HALT_ROWS_HIDDEN', message, intent);
}
