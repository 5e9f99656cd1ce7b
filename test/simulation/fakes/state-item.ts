import { PulsehouseError } from '../../../lib/pipeline/errors.ts';
import type { Fenced } from '../../../lib/pipeline/partition-state.ts';
import type { LeaseClaim, LeaseResult, WriteResult } from '../../../lib/ports/state-store.ts';

const ITEM_LIMIT = 400 * 1024;

/** As DynamoDB does: the JSON of a value is a little longer than its item. */
export function assertFits(item: unknown): void {
  if (JSON.stringify(item).length <= ITEM_LIMIT) return;
  throw new PulsehouseError('PH_STATE_REFUSED', 'Item size has exceeded the maximum allowed size', {
    nextStep: 'An item may have 400 KB.',
  });
}

/** What a write must agree with to take effect. Only a mutation ever asks for less than all. */
export interface WriteConditions {
  readonly epoch: boolean;
  readonly version: boolean;
  readonly follows: boolean;
  /** Whether taking a lease raises the version; where it does, the version fences by itself. */
  readonly takingRaisesVersion: boolean;
}

export const ALL_CONDITIONS: WriteConditions = {
  epoch: true,
  version: true,
  follows: true,
  takingRaisesVersion: true,
};

/** One fenced item: the rules of every conditional write. */
export class Item<State extends Fenced> {
  /** What stands there is nothing that this version writes. */
  spoilt = false;
  private stored: State | undefined;
  onWritten: (before: State | undefined, after: State) => void = () => {};

  get value(): State | undefined {
    if (this.spoilt) throw new PulsehouseError('PH_STATE_CORRUPT', 'the state item cannot be read');
    return this.stored;
  }

  set value(state: State | undefined) {
    this.stored = state;
  }

  create(state: State): WriteResult<State> {
    const found = this.value;
    if (found?.writeId === state.writeId) return { written: true };
    if (found !== undefined) return { written: false, found };
    this.set(state);
    return { written: true };
  }

  write(next: State, conditions: WriteConditions): WriteResult<State> {
    const found = this.value;
    if (found?.writeId === next.writeId) return { written: true };
    const holds =
      found !== undefined &&
      (!conditions.epoch || found.epoch === next.epoch) &&
      (!conditions.version || found.version === next.version - 1) &&
      (!conditions.follows || found.writeId === next.follows);
    if (!holds) return { written: false, found };
    this.set(next);
    return { written: true };
  }

  take(claim: LeaseClaim, halted: boolean, conditions: WriteConditions): LeaseResult<State> {
    const found = this.value;
    if (found === undefined) return { taken: false, found };
    if (found.writeId === claim.writeId) return { taken: true, state: found };
    const isFree = found.owner === undefined || found.owner === claim.dead || found.leaseUntil <= claim.now;
    if (halted || !isFree) return { taken: false, found };
    const state = {
      ...found,
      epoch: found.epoch + (claim.raise ?? 1),
      version: found.version + (conditions.takingRaisesVersion ? 1 : 0),
      follows: found.writeId,
      writeId: claim.writeId,
      owner: claim.owner,
      leaseUntil: claim.leaseUntil,
    };
    this.set(state);
    return { taken: true, state };
  }

  private set(state: State): void {
    assertFits(state);
    const before = this.value;
    this.value = state;
    this.onWritten(before, state);
  }
}
