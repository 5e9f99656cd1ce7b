import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Environment } from '../ports/environment.ts';
import type { Log } from '../ports/log.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { Sink } from '../ports/sink.ts';
import type { StateStore } from '../ports/state-store.ts';
import type { TargetTable } from '../ports/target-table.ts';
import type { Transport } from '../ports/transport.ts';

/** What everything that is invoked by hand works with. */
export interface ReplayDependencies {
  readonly pipeline: Pipeline;
  readonly transport: Transport;
  readonly sink: Sink;
  readonly table: TargetTable;
  readonly state: StateStore;
  readonly objects: ObjectStore;
  readonly environment: Environment;
  readonly log: Log;
}

/** When to end, and what to tell while it lasts. */
export interface Watch {
  /** Every outside call ends by it (ms since the epoch). */
  readonly deadline: number;
  /** Stops in order; what was done stays done. */
  readonly stop?: AbortSignal;
  /** Messages compared since the last call. */
  readonly onProgress?: (partition: number, messages: number) => void;
}
