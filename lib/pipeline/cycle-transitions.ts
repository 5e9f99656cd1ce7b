import type { CycleState } from './cycle-state.ts';
import { PulsehouseError } from './errors.ts';

/** The legal changes of a cycle's state; fencing is the lease's business. */

export function newCycleState(from: {
  readonly pipeline: string;
  readonly generation: string;
  readonly partitions: number;
  readonly writeId: string;
}): CycleState {
  return {
    ...from,
    epoch: 0,
    version: 0,
    follows: '',
    owner: undefined,
    leaseUntil: 0,
    flushRequested: 0,
    latest: 0,
    opened: 0,
    acknowledging: 0,
    acknowledged: 0,
    paused: false,
  };
}

/** A checkpoint left open is gone on with; otherwise the next number is opened. Either asks every consumer to flush. */
export function openCheckpoint(state: CycleState): CycleState {
  const opened = state.opened > state.latest ? state.opened : state.opened + 1;
  return { ...state, opened, flushRequested: Math.max(state.flushRequested, opened) };
}

export function completeCheckpoint(state: CycleState, number: number): CycleState {
  if (number !== state.opened || number <= state.latest) {
    throw violated(
      state,
      `checkpoint ${number} completed while ${state.opened} is open and ${state.latest} is the latest`,
    );
  }
  return { ...state, latest: number };
}

/** The next number is the one that is open: no snapshot can be made under this one. */
export function abandonCheckpoint(state: CycleState): CycleState {
  return { ...state, opened: state.opened + 1 };
}

/** Written ahead of the first acknowledgement of that checkpoint. */
export function acknowledging(state: CycleState, number: number): CycleState {
  if (number > state.latest || number < state.acknowledging) {
    throw violated(
      state,
      `checkpoint ${number} cannot follow ${state.acknowledging}; the latest is ${state.latest}`,
    );
  }
  return { ...state, acknowledging: number };
}

/** `missed` did not answer: they are told again later, and keep nobody else waiting. */
export function acknowledged(
  { unacknowledged: _, ...state }: CycleState,
  number: number,
  missed: readonly number[] = [],
): CycleState {
  if (number !== state.acknowledging) {
    throw violated(state, `checkpoint ${number} was acknowledged while ${state.acknowledging} was announced`);
  }
  return {
    ...state,
    acknowledged: Math.max(state.acknowledged, number),
    ...(missed.length > 0 && { unacknowledged: missed }),
  };
}

function violated(state: CycleState, message: string): PulsehouseError {
  return new PulsehouseError('PH_INVARIANT', message, { where: { pipeline: state.pipeline } });
}
