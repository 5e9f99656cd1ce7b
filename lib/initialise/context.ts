import { isRetryable } from '../pipeline/errors.ts';
import type { InitialPosition, Pipeline } from '../pipeline/pipeline.ts';
import type { Environment } from '../ports/environment.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { retry } from '../ports/retry.ts';
import type { Sink } from '../ports/sink.ts';
import type { StateStore } from '../ports/state-store.ts';
import type { SubscriptionState, Transport } from '../ports/transport.ts';

export interface BeginDependencies {
  readonly pipeline: Pipeline;
  readonly transport: Transport;
  readonly sink: Sink;
  readonly state: StateStore;
  readonly objects: ObjectStore;
  readonly environment: Environment;
}

/** Where one partition's subscription stands, which is where the pipeline begins on it. */
export interface Place extends SubscriptionState {
  readonly partition: number;
  readonly topic: string;
}

export const PARTITIONS_AT_ONCE = 16;

/** Another `init` or a checkpoint may hold the subscription for a moment. */
export function ensureSubscription(
  { pipeline, transport, environment }: BeginDependencies,
  topic: string,
  initial: InitialPosition,
  deadline: number,
): Promise<SubscriptionState> {
  return retry(environment, { deadline, retryIf: isRetryable }, (tryUntil) =>
    transport.ensureSubscription(topic, pipeline.subscription, initial, tryUntil),
  );
}
