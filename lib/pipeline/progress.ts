import type { PartitionState } from './partition-state.ts';
import { isAfter, type Position } from './position.ts';

/** Failed tries in a row that are not yet called a fault: a server that restarts costs one or two. */
const TOLERATED = 2;

/** Whether there is something to store: batches in flight, or entries up to `last`, the topic partition's last position. */
export function hasBacklog(state: Pick<PartitionState, 'inFlight' | 'committed'>, last: Position): boolean {
  return state.inFlight.length > 0 || isAfter(last, state.committed);
}

/** Not halted, and yet nothing is stored although there is something to store: its tries fail, one after the other. */
export function makesNoProgress(state: PartitionState, last: Position): boolean {
  const failed = state.failedTries?.count ?? 0;
  return state.halted === undefined && failed > TOLERATED && hasBacklog(state, last);
}
