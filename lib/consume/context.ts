import type { Lease } from '../leases/lease.ts';
import type { ErrorCode } from '../pipeline/error-codes.ts';
import { type ErrorWhere, isPulsehouseError, PulsehouseError } from '../pipeline/errors.ts';
import type { Intent } from '../pipeline/intent.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { formatPosition } from '../pipeline/position.ts';
import type { Environment } from '../ports/environment.ts';
import type { Log } from '../ports/log.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { retry } from '../ports/retry.ts';
import type { Sink } from '../ports/sink.ts';
import type { StateStore } from '../ports/state-store.ts';
import type { Transport } from '../ports/transport.ts';

export interface ConsumeDependencies {
  readonly pipeline: Pipeline;
  readonly transport: Transport;
  readonly sink: Sink;
  readonly state: StateStore;
  readonly objects: ObjectStore;
  readonly environment: Environment;
  readonly log: Log;
}

/** What every step of one invocation works with: the dependencies and the lease it holds. */
export interface ConsumeContext extends ConsumeDependencies {
  readonly partition: number;
  readonly lease: Lease<PartitionState>;
  /** Every call of this invocation ends by it (ms since the epoch). */
  readonly deadline: number;
  /** ClickHouse's clock less ours, milliseconds. */
  readonly serverClockOffset: number;
}

const QUESTION_TRIES = 5;

/** Repeats a question while its failure may pass. Only for calls without effect, so that doubt does no harm. */
export function ask<T>(context: ConsumeContext, question: (deadline: number) => Promise<T>): Promise<T> {
  return askAgain(context.environment, context.deadline, question);
}

/** The same before there is a context. */
export function askAgain<T>(
  environment: Environment,
  deadline: number,
  question: (deadline: number) => Promise<T>,
): Promise<T> {
  const retryIf = (error: unknown) => isPulsehouseError(error) && error.kind !== 'terminal';
  return retry(environment, { deadline, tries: QUESTION_TRIES, retryIf }, question);
}

/** The standing form of an intent: attempt, notAfter and dead letters as last written. */
export function standingIntent(context: ConsumeContext, seq: number): Intent {
  const intent = context.lease.state.inFlight.find((candidate) => candidate.seq === seq);
  if (!intent) {
    throw new PulsehouseError('PH_INVARIANT', `batch ${seq} is not in flight`, { where: whereOf(context) });
  }
  return intent;
}

export function whereOf(context: ConsumeContext): ErrorWhere {
  return {
    pipeline: context.pipeline.name,
    topic: context.lease.state.topic,
    partition: context.partition,
    table: context.sink.table,
  };
}

export function batchError(
  context: ConsumeContext,
  code: ErrorCode,
  message: string,
  intent: Intent,
): PulsehouseError {
  return new PulsehouseError(code, message, {
    where: {
      ...whereOf(context),
      position: `(${formatPosition(intent.after)}, ${formatPosition(intent.to)}]`,
    },
  });
}
