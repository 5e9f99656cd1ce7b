import { mayBeAnotherTopic } from '../pipeline/another-topic.ts';
import { acknowledged, acknowledging } from '../pipeline/cycle-transitions.ts';
import { isPulsehouseError } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { isSamePosition, laterOf, type Position } from '../pipeline/position.ts';
import { askEach, briefly } from './ask-each.ts';
import { type CycleContext, persistently } from './context.ts';
import { assertNotAhead, CursorAhead, haltUnlessSeen } from './cursor-ahead.ts';
import { makeSubscription, subscriptionWasMissing } from './keep-unread.ts';
import { assertSameTopic, NothingToAcknowledge } from './same-topic.ts';
import type { Snapshot, SnapshotPartition } from './snapshot.ts';
import { snapshotIfWhole } from './take-checkpoint.ts';

/** With more of them than this (or all) Pulsar as a whole does not answer: then the telling is left unfinished. */
const MOST_MISSED = 1_000;
/** Records of checkpoints a cycle looks at to find the one to tell: a backlog of them is told some at a time. */
const MOST_LOOKED_AT = 200;

/**
 * Tells Pulsar to forget what the target checkpoint's snapshot covers: the pointer is written first, then each partition
 * is acknowledged up to what the stored OBJECT says, and the receipts are recorded last. A predecessor's unfinished
 * telling is finished first. A partition that does not answer stops none of the others: it is noted, and told again by the
 * next cycle. Answers how many messages Pulsar was told of.
 */
export async function acknowledge(context: CycleContext, states: readonly PartitionState[]): Promise<number> {
  let messages = 0;
  if (isUnfinished(context)) messages += await tell(context, states, context.lease.state.acknowledging, true);
  const target = await acknowledgeTarget(context);
  if (target <= context.lease.state.acknowledging) return messages + (await tellMissed(context, states));
  // Still so when the snapshot it was to tell is lost: part of it may have been told.
  const unfinished = isUnfinished(context);
  await context.lease.update((cycle) => acknowledging(cycle, target));
  return messages + (await tell(context, states, target, unfinished));
}

function isUnfinished({ lease }: CycleContext): boolean {
  return lease.state.acknowledging > lease.state.acknowledged;
}

/**
 * The newest checkpoint that trails the latest as far, and is as old, as the pipeline asks: looked for by number, so that it
 * is found however few snapshots are kept.
 */
async function acknowledgeTarget(context: CycleContext): Promise<number> {
  const { pipeline, environment, lease } = context;
  const { checkpoints, age } = pipeline.checkpoint.acknowledgeBehind;
  const { latest, acknowledging: told } = lease.state;
  if (checkpoints === 0 && age === 0) return latest;
  const newest = latest - checkpoints;
  if (age === 0) return newestComplete(context, newest, told);
  const before = environment.now() - age;
  let target = told;
  const last = Math.min(newest, told + MOST_LOOKED_AT);
  for (let number = told + 1; number <= last; number += 1) {
    const completedAt = await completionOf(context, number);
    if (completedAt !== undefined && completedAt > before) break;
    if (completedAt !== undefined) target = number;
  }
  return target;
}

/** A number that was given up has no record of a complete checkpoint. */
async function newestComplete(context: CycleContext, from: number, told: number): Promise<number> {
  for (let number = from; number > Math.max(told, from - MOST_LOOKED_AT); number -= 1)
    if ((await completionOf(context, number)) !== undefined) return number;
  return told;
}

/** Milliseconds since the epoch; undefined while the checkpoint is not complete. */
async function completionOf(context: CycleContext, number: number): Promise<number | undefined> {
  const { pipeline, state } = context;
  const record = await persistently(context, (deadline) =>
    state.readCheckpoint(pipeline.name, number, deadline),
  );
  return record?.status === 'complete' ? (record.completedAt ?? 0) : undefined;
}

/** Those that did not answer when they were told last. */
async function tellMissed(context: CycleContext, states: readonly PartitionState[]): Promise<number> {
  const { acknowledged: number, acknowledging: announced, unacknowledged = [] } = context.lease.state;
  if (unacknowledged.length === 0 || announced !== number) return 0;
  return tell(context, states, number, false, unacknowledged);
}

async function tell(
  context: CycleContext,
  states: readonly PartitionState[],
  number: number,
  unfinished: boolean,
  only?: readonly number[],
): Promise<number> {
  const { lease, log, environment, troubles } = context;
  const stored = await snapshotIfWhole(context, number);
  if (!stored) return 0;
  const before = await alreadyTold(context);
  // Without it nothing says how far we had come: then the cursor may stand anywhere up to what is told now.
  const unknown = unfinished || (lease.state.acknowledged > 0 && !before);
  const partitions = (await standing(context, states, stored.snapshot)).filter(
    ({ partition }) => only === undefined || only.includes(partition),
  );
  const { unanswered: silent } = troubles;
  const asked = partitions.filter(({ partition }) => !silent.has(partition));
  const { answers, unanswered } = await askEach(environment, asked, (partition) =>
    tellPartition(context, partition, before?.partitions[partition.partition], unknown),
  );
  troubles.addAll(unanswered);
  const missed = partitions.map(({ partition }) => partition).filter((partition) => !answers.has(partition));
  if (partitions.length > 0 && (answers.size === 0 || missed.length > MOST_MISSED)) return 0;
  await lease.update((cycle) => acknowledged(cycle, number, missed));
  const messages = [...answers.values()].reduce((sum, count) => sum + count, 0);
  log.info(`Checkpoint ${number}: Acknowledged ${messages} messages`, { checkpoint: number, messages });
  return messages;
}

/**
 * The partitions whose generation and topic still stand. A reset ends a generation, and may begin the next far below: what
 * an older checkpoint says of it must not be forgotten now. Nor what has the same positions on another topic (seed 99914).
 */
async function standing(
  context: CycleContext,
  states: readonly PartitionState[],
  told: Snapshot,
): Promise<readonly SnapshotPartition[]> {
  const { latest } = context.lease.state;
  const newest = told.number === latest ? told : (await snapshotIfWhole(context, latest))?.snapshot;
  // What another topic would forget is not what we stored.
  const halted = states.filter((state) => state.halted && mayBeAnotherTopic(state.halted.code));
  const replaced = new Set(halted.map(({ partition }) => partition));
  return told.partitions.filter(({ partition, generation }) => {
    const now = newest?.partitions[partition];
    return !replaced.has(partition) && (now === undefined || now.generation === generation);
  });
}

async function alreadyTold(context: CycleContext): Promise<Snapshot | undefined> {
  const { acknowledged: number } = context.lease.state;
  return number === 0 ? undefined : (await snapshotIfWhole(context, number))?.snapshot;
}

async function tellPartition(
  context: CycleContext,
  partition: SnapshotPartition,
  before: SnapshotPartition | undefined,
  unknown: boolean,
): Promise<number> {
  const { transport, pipeline, lease, environment } = context;
  const { committed, topic, origin, totals } = partition;
  const wasMissed = lease.state.unacknowledged?.includes(partition.partition) ?? false;
  // A reset began anew at its origin: what the generation before was told says nothing of this one.
  const sinceThen = before?.generation === partition.generation ? before : undefined;
  const told = sinceThen?.committed ?? origin;
  // `ledger:-1` is where a ledger begins: nothing of it is read yet.
  if (committed.entry === -1 || (sinceThen && !wasMissed && isSamePosition(committed, told))) return 0;
  const known = unknown ? committed : told;
  // A try that was let through may have moved the cursor, though its receipt was lost: from then on it may stand where we
  // told it to. One that found out nothing moved nothing (seed 163492).
  const tell = (expected: Position) => {
    let allowed = expected;
    return briefly(environment, context.deadline, (deadline) =>
      transport.acknowledge(topic, pipeline.subscription, committed, deadline, async (found) => {
        assertNotAhead(allowed, found);
        if (!isSamePosition(found.markDelete, told)) await assertSameTopic(context, partition, deadline);
        allowed = laterOf(expected, committed);
      }),
    );
  };
  try {
    await lease.renewIfDue();
    await tell(known);
  } catch (error) {
    if (isPulsehouseError(error) && error.code === 'PH_PULSAR_SUBSCRIPTION_MISSING') {
      await makeSubscription(context, partition, context.deadline);
      throw subscriptionWasMissing(context, partition, error);
    }
    if (error instanceof NothingToAcknowledge) return 0;
    if (!(error instanceof CursorAhead)) throw error;
    const accepted = await haltUnlessSeen(context, partition, known, error.found);
    if (!accepted) return 0;
    await tell(accepted);
  }
  return totals.messages - (sinceThen?.totals.messages ?? 0);
}
