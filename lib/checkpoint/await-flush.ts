import type { PartitionsRead } from '../ports/state-store.ts';
import { type CycleContext, persistently } from './context.ts';

/** Milliseconds for each hundred states that are looked at, which is one request: their reading is what a long wait costs. */
const LOOK_EVERY = 200;
const STATES_A_REQUEST = 100;

/** A consumer that is to flush. */
export interface Flushing {
  readonly partition: number;
  /** A state without owner, of this epoch or a later one, means that the consumer has ended. */
  readonly endsFrom: number;
}

/**
 * Waits until each consumer has flushed the checkpoint, has ended (an ending flushes too) or has halted, at most until
 * `until` (ms since the epoch). Answers the partitions of those that had not, and of those that ended with batches in
 * flight: they are listed, not waited for, and the snapshot says where they stood.
 */
export async function awaitFlush(
  context: CycleContext,
  number: number,
  consumers: readonly Flushing[],
  until: number,
): Promise<readonly number[]> {
  const { environment, lease } = context;
  const waiting = new Map(consumers.map((consumer) => [consumer.partition, consumer]));
  const failed: number[] = [];
  while (waiting.size > 0) {
    const { states, unreadable } = await readEachState(context, [...waiting.keys()]);
    for (const { partition } of unreadable) if (waiting.delete(partition)) failed.push(partition);
    for (const state of states) {
      const consumer = waiting.get(state.partition);
      if (!consumer) continue;
      const ended = state.owner === undefined && state.epoch >= consumer.endsFrom;
      const flushed = state.flushed >= number || state.halted !== undefined;
      if (ended && !flushed && state.inFlight.length > 0) failed.push(state.partition);
      if (ended || flushed) waiting.delete(state.partition);
    }
    if (waiting.size === 0 || environment.now() >= until) break;
    await lease.renewIfDue();
    const pause = LOOK_EVERY * Math.ceil(waiting.size / STATES_A_REQUEST);
    await environment.sleep(Math.min(pause, Math.max(1, until - environment.now())));
  }
  return [...failed, ...waiting.keys()].sort((a, b) => a - b);
}

/**
 * States consistently read: of every partition, or of those that are named. One whose item cannot be read is among the
 * cycle's troubles, and hides none of the others.
 */
export async function readEachState(
  context: CycleContext,
  partitions: number | readonly number[] = context.lease.state.partitions,
): Promise<PartitionsRead> {
  const { state, pipeline, troubles } = context;
  const read = await persistently(context, (deadline) =>
    state.readEachPartition(pipeline.name, partitions, deadline),
  );
  troubles.addAll(read.unreadable);
  return read;
}
