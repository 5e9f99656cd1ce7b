import { claimLease, writeFenced } from '../leases/fenced-write.ts';
import { cycleItem, partitionItem } from '../leases/items.ts';
import { Lease, type LeaseTerms, takeLease } from '../leases/lease.ts';
import type { CycleState } from '../pipeline/cycle-state.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { resume } from '../pipeline/partition-transitions.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Environment } from '../ports/environment.ts';
import type { StateStore } from '../ports/state-store.ts';

export interface HoldDependencies {
  readonly pipeline: Pipeline;
  readonly state: StateStore;
  readonly environment: Environment;
}

/** What is done by hand holds its leases this long without renewal. */
export const HELD_FOR = 60_000;
const LOOK_AGAIN = 250;

/**
 * The cycle's lease, waited for while a cycle is under way.
 * @throws PulsehouseError PH_STATE_MISSING; PH_REPLAY_BUSY when the deadline passes.
 */
export async function holdCycle(
  { pipeline, state, environment }: HoldDependencies,
  owner: string,
  deadline: number,
): Promise<Lease<CycleState>> {
  const terms = { owner: `${owner}/cycle`, duration: HELD_FOR, deadline };
  for (;;) {
    const taken = await takeLease(cycleItem(state, pipeline.name), terms, environment);
    if (taken.taken) return taken.lease;
    if (!taken.found) {
      throw new PulsehouseError('PH_STATE_MISSING', `pipeline ${pipeline.name} was never initialised`);
    }
    if (environment.now() + LOOK_AGAIN >= deadline) throw stillHeld('the cycle', taken.found.owner);
    await environment.sleep(LOOK_AGAIN);
  }
}

/**
 * A partition's lease, waited for while a consumer ends. What halted it has been seen by whoever calls this.
 * @throws PulsehouseError PH_STATE_MISSING; PH_REPLAY_BUSY when the deadline passes.
 */
export async function holdPartition(
  dependencies: HoldDependencies,
  partition: number,
  owner: string,
  deadline: number,
): Promise<Lease<PartitionState>> {
  const { pipeline, state, environment } = dependencies;
  const item = partitionItem(state, pipeline.name, partition);
  const terms = { owner: `${owner}/partition`, duration: HELD_FOR, deadline };
  for (;;) {
    const taken = await takeLease(item, terms, environment);
    if (taken.taken) return taken.lease;
    if (!taken.found) {
      throw new PulsehouseError(
        'PH_STATE_MISSING',
        `partition ${partition} of ${pipeline.name} has no state`,
      );
    }
    if (taken.found.halted) await clearHalt(dependencies, taken.found, deadline);
    else if (environment.now() + LOOK_AGAIN >= deadline) {
      throw stillHeld(`partition ${partition}`, taken.found.owner);
    } else await environment.sleep(LOOK_AGAIN);
  }
}

/** Lets a halted partition go on. Nobody holds its lease, so the write is fenced by what was read alone. */
export async function clearHalt(
  { pipeline, state, environment }: HoldDependencies,
  found: PartitionState,
  deadline: number,
): Promise<void> {
  const next = {
    ...resume(found),
    version: found.version + 1,
    follows: found.writeId,
    writeId: environment.uniqueId(),
  };
  await writeFenced(partitionItem(state, pipeline.name, found.partition), next, environment, deadline);
}

/** Later than any lease: taking by this clock takes from whoever holds it, who is thereby fenced. */
const END_OF_TIME = 8_640_000_000_000_000;

/** For a state that is known to be wrong: whoever works from it, or ever worked from one lost since, must write nothing. */
export async function seizePartition(
  dependencies: HoldDependencies,
  found: PartitionState,
  terms: LeaseTerms,
  raise: number,
): Promise<Lease<PartitionState>> {
  const { state, environment, pipeline } = dependencies;
  if (found.halted) await clearHalt(dependencies, found, terms.deadline);
  const item = partitionItem(state, pipeline.name, found.partition);
  const leaseUntil = environment.now() + terms.duration;
  const { owner } = terms;
  const claim = { owner, writeId: environment.uniqueId(), now: END_OF_TIME, leaseUntil, raise };
  const taken = await claimLease(item, claim, environment, terms.deadline);
  if (taken.taken) return new Lease(item, taken.state, terms, environment);
  throw stillHeld(`partition ${found.partition}`, taken.found?.owner);
}

function stillHeld(what: string, owner: string | undefined): PulsehouseError {
  return new PulsehouseError('PH_REPLAY_BUSY', `${what} is still held by ${owner ?? 'somebody else'}`, {
    nextStep: 'Wait until it has ended (a dead holder is let go when its lease runs out) and try again.',
  });
}
