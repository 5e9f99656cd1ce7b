import { PulsehouseError } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { formatPosition, isAfter, type Position } from '../pipeline/position.ts';
import { batchesIn } from './ledger.ts';
import { type PlanDependencies, readLedgers } from './plan.ts';
import { readRange } from './read-range.ts';

/**
 * Whether Pulsar still has every entry of `(to, committed]`, counted against the ledger's batches. What lies above
 * `committed` was never acknowledged and so is there.
 * @throws PulsehouseError PH_RESET_REFUSED
 */
export async function assertReadable(
  dependencies: PlanDependencies,
  found: PartitionState,
  to: Position,
  deadline: number,
): Promise<void> {
  const { committed, topic, partition } = found;
  if (!isAfter(committed, to)) return;
  const [ledger] = await readLedgers(dependencies, [partition], deadline);
  const batches = batchesIn(ledger?.batches ?? [], to, committed);
  const after = batches[0]?.after ?? to;
  const meant = batches.reduce((sum, { messages }) => sum + messages, 0);
  let read = 0;
  const { transport, environment } = dependencies;
  for await (const entry of readRange(transport, environment, { topic, after, to: committed }, deadline)) {
    read += entry.messages;
  }
  if (read === meant) return;
  throw new PulsehouseError(
    'PH_RESET_REFUSED',
    `${meant} messages were read above ${formatPosition(to)} and Pulsar still has ${read} of them`,
    { where: { topic, partition, position: formatPosition(to) } },
  );
}
