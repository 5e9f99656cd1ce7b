import { isRetryable, PulsehouseError } from '../../../pipeline/errors.ts';
import { formatPosition, type Position } from '../../../pipeline/position.ts';
import { retry } from '../../../ports/retry.ts';
import { mayNotAsk } from '../../admin/admin-api.ts';
import { findLeftOut } from '../../admin/skipped-entries.ts';
import { adminAccess, type WireOptions } from '../options.ts';

/** How long the admin API may stay out of reach; a broker restarts faster. */
const PATIENCE = 30_000;
/** What a broker loses with a ledger begins right after the last entry that was read. */
const LOOKED_AT = 100;

/**
 * Where reading goes from one ledger to the next, the broker's count of entries says whether all of the first were
 * shown. A broker told to skip what its bookies lost, for one, goes on without a word. Without an admin URL, or for a
 * role that may not ask, nothing is known and nothing is said.
 * @throws PulsehouseError PH_PULSAR_ENTRIES_MISSING; else as `askAdmin`
 */
export async function checkLedgerEnd(
  options: WireOptions,
  topic: string,
  seen: Position,
  next: Position,
  stop: AbortSignal,
): Promise<void> {
  const { environment, log } = options;
  const access = adminAccess(options);
  if (access === undefined) return;
  // Loaded when a ledger ends: within most invocations none does.
  const { TopicAdmin } = await import('../../admin/topic-admin.ts');
  const admin = new TopicAdmin(access);
  const terms = { deadline: environment.now() + PATIENCE, retryIf: isRetryable, stop };
  try {
    const leftOut = await retry(environment, terms, () =>
      findLeftOut(admin, topic, [seen, next], LOOKED_AT, terms.deadline),
    );
    if (leftOut === undefined) return;
    const position = formatPosition(leftOut.position);
    throw new PulsehouseError(
      'PH_PULSAR_ENTRIES_MISSING',
      `the broker went from ${formatPosition(seen)} to ${formatPosition(next)} and left out the entry at ${position}` +
        (leftOut.found === 'gone' || leftOut.found === 'unreadable' ? ', which it cannot read' : ''),
      {
        where: { topic, position },
        nextStep:
          'Look for lost ledgers (`autoSkipNonRecoverableData`), an expired cursor or an entry filter; `pulsehouse offsets set` goes on after it.',
      },
    );
  } catch (error) {
    if (!mayNotAsk(error)) throw error;
    log.warn('The role may not ask the admin API whether a ledger was read to its end', { topic });
  }
}
