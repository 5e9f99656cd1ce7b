import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import PQueue from 'p-queue';
import { awsClientOptions } from '../aws/client-options.ts';
import { describeAwsError, withinDeadline } from '../aws/request.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { Environment } from '../ports/environment.ts';
import type { ConsumerInvoker } from '../ports/invoker.ts';

/** Invocations on their way at once, and begun in a second: a thousand partitions take some five seconds. */
const AT_ONCE = 32;
const A_SECOND = 200;

/** Starts consumers as asynchronous invocations of one Lambda function. */
export function lambdaInvoker(
  functionName: string,
  environment: Environment,
): ConsumerInvoker & { close(): void } {
  const client = new LambdaClient(awsClientOptions({}));
  const queue = new PQueue({ concurrency: AT_ONCE, interval: 1_000, intervalCap: A_SECOND });

  async function send(pipeline: string, partition: number, deadline: number): Promise<void> {
    const command = new InvokeCommand({
      FunctionName: functionName,
      // Lambda answers once it has queued the event. Asked for twice, the second consumer finds the partition held.
      InvocationType: 'Event',
      Payload: JSON.stringify({ pipeline, partition }),
    });
    try {
      await withinDeadline(deadline, environment.now(), (options) => client.send(command, options));
    } catch (error) {
      throw new PulsehouseError('PH_INVOKE_FAILED', `${functionName}: ${describeAwsError(error)}`, {
        where: { pipeline, partition },
        cause: error,
      });
    }
  }

  return {
    invoke: (pipeline, partition, deadline) => queue.add(() => send(pipeline, partition, deadline)),
    close: () => client.destroy(),
  };
}
