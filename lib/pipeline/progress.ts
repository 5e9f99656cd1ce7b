import type { PartitionState } from './partition-state.ts';
import { isAfter, type Position } from './position.ts';

/** Failed tries in a row that are not yet called a fault: a server that restarts costs one or two. */
const TOLERATED = 2;

/** Whether there is something to store: batches in flight, or entries up to `last`, the topic partition's last position. */
export function hasBacklog(state: Pick<PartitionState, 'inFlight' | 'committed'>, last: Position): boolean {
  return state.inFlight.length > 0 || isAfter(last, state.committed);
}

/** Its tries fail, one after the other. */
export function failsRepeatedly({
  halted,
  failedTries,
}: Pick<PartitionState, 'halted' | 'failedTries'>): boolean {
  return halted === undefined && (failedTries?.count ?? 0) > TOLERATED;
}

/** Not halted, and yet nothing is stored although there is something to store: its tries fail, one after the other. */
export function makesNoProgress(state: PartitionState, last: Position): boolean {
  return failsRepeatedly(state) && hasBacklog(state, last);
}

const LONGEST_WAIT = 15 * 60_000;

/**
 * When one whose tries fail is tried again by itself, ms since the epoch: after one interval of cycles, then two, four and so
 * on, at most a quarter of an hour. Undefined: by the next cycle.
 */
export function nextTryOf(
  state: Pick<PartitionState, 'halted' | 'failedTries'>,
  interval: number,
): number | undefined {
  const { failedTries } = state;
  if (!failedTries || !failsRepeatedly(state)) return undefined;
  const doubled = Math.min(failedTries.count - TOLERATED - 1, 30);
  return failedTries.at + Math.min(interval * 2 ** doubled, Math.max(interval, LONGEST_WAIT));
}
