import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import PQueue from 'p-queue';
import { awsClientOptions } from '../aws/client-options.ts';
import { adviceOnRefusal, isPassingFailure } from '../aws/failure.ts';
import { describeAwsError, withinDeadline } from '../aws/request.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { Environment } from '../ports/environment.ts';
import type { ConsumerInvoker } from '../ports/invoker.ts';

/** Invocations on their way at once, and begun in a second: a thousand partitions take some five seconds. */
const AT_ONCE = 32;
const A_SECOND = 200;

/** What a function that works on one partition is told. */
export interface PartitionEvent {
  readonly pipeline: string;
  readonly partition: number;
  /** The replay to be carried on. */
  readonly continue?: string;
}

/** Starts asynchronous invocations of a deployment's functions, all of them within one rate. */
export interface LambdaInvoker {
  /**
   * Resolves once Lambda has queued the event. Asked for twice, the second invocation finds the partition held.
   * @throws PulsehouseError PH_INVOKE_FAILED; PH_INVOKE_REFUSED, terminal.
   */
  start(functionName: string, event: PartitionEvent, deadline: number): Promise<void>;
  close(): void;
}

export function lambdaInvoker(environment: Environment): LambdaInvoker {
  const client = new LambdaClient(awsClientOptions({}));
  const queue = new PQueue({ concurrency: AT_ONCE, interval: 1_000, intervalCap: A_SECOND });

  async function send(functionName: string, event: PartitionEvent, deadline: number): Promise<void> {
    const command = new InvokeCommand({
      FunctionName: functionName,
      InvocationType: 'Event',
      Payload: JSON.stringify(event),
    });
    try {
      await withinDeadline(deadline, environment.now(), (options) => client.send(command, options));
    } catch (error) {
      const nextStep = adviceOnRefusal(error);
      throw new PulsehouseError(
        isPassingFailure(error) ? 'PH_INVOKE_FAILED' : 'PH_INVOKE_REFUSED',
        `${functionName}: ${describeAwsError(error)}`,
        {
          where: { pipeline: event.pipeline, partition: event.partition },
          cause: error,
          ...(nextStep === undefined ? {} : { nextStep }),
        },
      );
    }
  }

  return {
    start: (functionName, event, deadline) => queue.add(() => send(functionName, event, deadline)),
    close: () => client.destroy(),
  };
}

/** Starts consumers. */
export function consumerInvoker(invoker: LambdaInvoker, functionName: string): ConsumerInvoker {
  return {
    invoke: (pipeline, partition, deadline) => invoker.start(functionName, { pipeline, partition }, deadline),
  };
}
