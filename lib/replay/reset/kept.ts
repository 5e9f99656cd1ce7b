import { PulsehouseError } from '../../pipeline/errors.ts';
import type { PartitionState } from '../../pipeline/partition-state.ts';
import { formatPosition, isAfter, type Position } from '../../pipeline/position.ts';
import type { Sink } from '../../ports/sink.ts';
import { expectedOf } from '../comparison/expected-rows.ts';
import { knownDeadLetters } from '../comparison/known-dead-letters.ts';
import { batchesIn, type ReadBatch } from '../comparison/ledger.ts';
import { knownEntry, readRange } from '../comparison/read-range.ts';
import type { ResetPartition } from '../journal.ts';
import { type PlanDependencies, readLedgers } from '../replay/plan.ts';

/** What of a partition's old generation a reset to `to` leaves standing. */
export type Kept = Pick<ResetPartition, 'origin' | 'kept' | 'cut' | 'joined'>;

/**
 * Counts what of a partition stays below a reset's position, and makes sure that Pulsar still has every entry above it
 * up to `committed`, by the ledger's batches. What lies above `committed` was never acknowledged and so is there.
 * @throws PulsehouseError PH_RESET_REFUSED
 */
export async function countKept(
  dependencies: PlanDependencies,
  { committed, topic, partition, origin, totals }: PartitionState,
  to: Position,
  deadline: number,
): Promise<Kept> {
  if (!isAfter(committed, to)) {
    return { origin, kept: { rows: totals.rows, messages: totals.messages }, cut: undefined, joined: false };
  }
  const { transport, environment, sink } = dependencies;
  const [ledger] = await readLedgers(dependencies, [partition], deadline);
  const batches = batchesIn(ledger?.batches ?? [], to, committed);
  const after = batches[0]?.after ?? to;
  const sources = ledger?.deadLetterSources ?? [];
  const letters = await knownDeadLetters(dependencies, sources, { after, to }, deadline);
  const below = { rows: 0, messages: 0 };
  let read = 0;
  const range = { topic, after, to: committed, known: knownEntry(batches) };
  for await (const entry of readRange(transport, environment, range, deadline)) {
    read += entry.messages;
    if (isAfter(entry.position, to)) continue;
    below.messages += entry.messages;
    below.rows += expectedOf(entry, letters).rows;
  }
  const [cutInTwo] = batches;
  if (below.messages > 0 && cutInTwo && mayBeFiltered(cutInTwo, sink))
    below.rows = await countLower(sink, { partition, topic }, cutInTwo, to, deadline);
  const again = sumOf(batches);
  if (read !== again.messages) {
    throw new PulsehouseError(
      'PH_RESET_REFUSED',
      `${again.messages} messages were read above ${formatPosition(after)} and Pulsar still has ${read} of them`,
      { where: { topic, partition, position: formatPosition(to) } },
    );
  }
  // Back beyond where this generation began, everything before counts as one.
  const joined = isAfter(origin, to);
  const whole = joined ? sumOf(ledger?.batches ?? []) : totals;
  const kept = {
    rows: whole.rows - again.rows + below.rows,
    messages: whole.messages - again.messages + below.messages,
  };
  const cut = below.messages > 0 ? { after, ...below } : undefined;
  return { origin: joined ? (ledger?.origin ?? origin) : origin, kept, cut, joined };
}

function mayBeFiltered({ filtered, condition }: ReadBatch, sink: Sink): boolean {
  return condition !== undefined || (filtered === undefined && sink.condition !== undefined);
}

/**
 * Which messages of a batch met its condition its rows say, as long as all of them stand.
 * @throws PulsehouseError PH_RESET_REFUSED
 */
async function countLower(
  sink: Sink,
  { partition, topic }: Pick<PartitionState, 'partition' | 'topic'>,
  { after, to, rows }: ReadBatch,
  at: Position,
  deadline: number,
): Promise<number> {
  const whole = await sink.countRows({ partition, after, to }, deadline);
  const lower = await sink.countRows({ partition, after, to: at }, deadline);
  if (whole.rows === rows && whole.distinct === rows) return lower.rows;
  const batch = `(${formatPosition(after)}, ${formatPosition(to)}]`;
  throw new PulsehouseError(
    'PH_RESET_REFUSED',
    `${formatPosition(at)} lies within batch ${batch}, which had ${rows} rows and has ${whole.rows}: how many of them belong below it cannot be said`,
    {
      where: { topic, partition, position: formatPosition(at) },
      nextStep: `\`pulsehouse replay --mode repair\` of the batch first, or a reset to ${formatPosition(after)} or ${formatPosition(to)}.`,
    },
  );
}

function sumOf(batches: readonly ReadBatch[]): { readonly rows: number; readonly messages: number } {
  return {
    rows: batches.reduce((sum, batch) => sum + batch.rows, 0),
    messages: batches.reduce((sum, batch) => sum + batch.messages, 0),
  };
}
