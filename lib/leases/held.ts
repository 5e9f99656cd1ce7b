import type { Fenced } from '../pipeline/partition-state.ts';
import type { Environment } from '../ports/environment.ts';

type Holding = Pick<Fenced, 'owner' | 'leaseUntil'>;

/** Whether somebody may still work by this lease: a holder that is known to have died does not. */
export function isHeld(state: Holding | undefined, environment: Environment): boolean {
  return hasLivingOwner(state, environment) && (state?.leaseUntil ?? 0) > environment.now();
}

/** Whether the item has an owner that is not known to have died, whatever is left of its lease. */
export function hasLivingOwner(state: Holding | undefined, environment: Environment): boolean {
  const owner = state?.owner;
  return owner !== undefined && !(environment.isDead?.(owner) ?? false);
}
