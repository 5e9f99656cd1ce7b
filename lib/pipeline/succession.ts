import type { PartitionState } from './partition-state.ts';

/**
 * A successor is started at most so long before its predecessor stops pulling, milliseconds: one tick of the schedule,
 * which knows nothing finer than a minute, and what a tick may be late.
 */
const AHEAD = 75_000;

/** Whether the partition's holder follows its topic and will give the lease back before the next tick. */
export function needsSuccessor(state: PartitionState, now: number): boolean {
  return state.owner !== undefined && state.heldUntil !== undefined && state.heldUntil - now < AHEAD;
}
