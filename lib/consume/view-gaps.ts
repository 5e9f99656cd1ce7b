import type { Intent } from '../pipeline/intent.ts';
import { formatPosition } from '../pipeline/position.ts';
import { addViewGap } from '../pipeline/view-gaps.ts';
import type { InsertOutcome } from '../ports/sink.ts';
import { ask, type ConsumeContext } from './context.ts';

/**
 * The rows of a batch are there, and its last insert was not answered with success: what else reads the inserts of its table
 * may lack them. That is kept with the partition before the batch is committed. Of an insert by a predecessor that died nobody
 * knows the answer.
 */
export async function noteViewGap(
  context: ConsumeContext,
  intent: Intent,
  outcome: InsertOutcome | undefined,
): Promise<void> {
  if (outcome?.kind === 'stored') return;
  const views = await ask(context, (deadline) => context.sink.dependentViews(deadline));
  if (views.length === 0) return;
  const { environment, lease, log, partition } = context;
  const { after, to, rows } = intent;
  const answered = outcome?.kind === 'answered';
  const gap = { after, to, rows, views, answered, since: environment.now() };
  await lease.update((state) => ({ ...state, viewGaps: addViewGap(state.viewGaps ?? [], gap) }));
  const how = outcome ? `: ${outcome.error.message}` : ', and how it ended nobody knows';
  log.warn(`An insert did not end well and is settled; views of the table may lack its rows${how}`, {
    ...{ partition, after: formatPosition(after), to: formatPosition(to), views },
    ...(outcome && { code: outcome.error.code }),
  });
}
