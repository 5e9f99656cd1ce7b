import pLimit from 'p-limit';
import { isPulsarError } from '../../pipeline/errors.ts';
import type { PartitionState } from '../../pipeline/partition-state.ts';
import { formatPosition, isAfter, laterOf, type Position } from '../../pipeline/position.ts';
import type { SubscriptionState } from '../../ports/transport.ts';
import type { ReplayDependencies } from '../dependencies.ts';
import { readTold } from '../reset/told.ts';
import type { UnknownPartition } from './audit-report.ts';
import type { SnapshotFindings } from './audit-snapshots.ts';

const QUESTIONS_AT_ONCE = 8;

/**
 * The durable subscription's cursors, as Pulsar has them, against what it was told: one that is ahead was moved by
 * somebody else, and what it passed may be gone unread. Asking makes no subscription and moves none.
 */
export async function checkCursors(
  dependencies: ReplayDependencies,
  states: readonly PartitionState[],
  deadline: number,
): Promise<SnapshotFindings & { readonly unknown: readonly UnknownPartition[] }> {
  const { transport, pipeline } = dependencies;
  const cursors = await pLimit(QUESTIONS_AT_ONCE).map([...states], async ({ topic, partition }) => {
    try {
      return { found: await transport.subscriptionState(topic, pipeline.subscription, deadline) };
    } catch (error) {
      if (!isPulsarError(error)) throw error;
      const message = `Pulsar's cursor could not be read: ${error.message}`;
      if (error.code === 'PH_PULSAR_CONSUMER_BUSY') return { remark: `partition ${partition}: ${message}` };
      return { unknown: { partition, code: error.code, message } };
    }
  });
  // Read after the cursors: whatever moved them meanwhile on our behalf is written there already.
  const told = await readTold(dependencies, deadline);
  const problems: string[] = [];
  const remarks: string[] = [];
  const unknown: UnknownPartition[] = [];
  for (const [index, state] of states.entries()) {
    const cursor = cursors[index];
    if (cursor?.remark !== undefined) remarks.push(cursor.remark);
    else if (cursor?.unknown) unknown.push(cursor.unknown);
    else problems.push(...problemsOf(state, pipeline.subscription, cursor?.found, told));
  }
  return { problems, remarks, unknown };
}

function problemsOf(
  state: PartitionState,
  subscription: string,
  found: SubscriptionState | undefined,
  told: (partition: PartitionState) => Position,
): readonly string[] {
  const { partition, origin } = state;
  if (!found) {
    return [
      `partition ${partition}: Pulsar has no subscription "${subscription}", so that nothing holds what is not read yet`,
    ];
  }
  const allowed = laterOf(told(state), origin);
  // `ledger:-1` is the broker's way to write the end of the ledger before.
  if (found.markDelete.entry === -1 || !isAfter(found.markDelete, allowed)) return [];
  return [
    `partition ${partition}: Pulsar has forgotten everything up to ${formatPosition(found.markDelete)} and was told so up to ${formatPosition(allowed)}`,
  ];
}
