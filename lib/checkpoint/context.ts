import type { Lease } from '../leases/lease.ts';
import type { CycleState } from '../pipeline/cycle-state.ts';
import { isPulsehouseError } from '../pipeline/errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Environment } from '../ports/environment.ts';
import type { ConsumerInvoker } from '../ports/invoker.ts';
import type { Log } from '../ports/log.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { retry } from '../ports/retry.ts';
import type { StateStore } from '../ports/state-store.ts';
import type { Transport } from '../ports/transport.ts';
import type { Troubles } from './trouble.ts';

export interface CycleDependencies {
  readonly pipeline: Pipeline;
  readonly transport: Transport;
  readonly state: StateStore;
  readonly objects: ObjectStore;
  readonly invoker: ConsumerInvoker;
  readonly environment: Environment;
  readonly log: Log;
}

/** What every step of one cycle works with. */
export interface CycleContext extends CycleDependencies {
  readonly lease: Lease<CycleState>;
  readonly troubles: Troubles;
  /** Every call of this cycle ends by it (ms since the epoch). */
  readonly deadline: number;
}

const TRIES = 5;

/** Repeats a step that is idempotent while its failure may pass. */
export function persistently<T>(context: CycleContext, step: (deadline: number) => Promise<T>): Promise<T> {
  const retryIf = (error: unknown) => isPulsehouseError(error) && error.kind !== 'terminal';
  return retry(context.environment, { deadline: context.deadline, tries: TRIES, retryIf }, step);
}
