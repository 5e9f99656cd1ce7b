import type { Pipeline } from '../../lib/pipeline/pipeline.ts';
import { attribute, logicalId, type Resources } from './cloudformation.ts';
import type { Parameters } from './parameters.ts';

/**
 * One schedule a pipeline. A tick that could not be delivered within a minute is worth nothing, the next one is due:
 * it is not retried, and what it was goes to the queue of failures for people to see.
 */
export function schedules(pipelines: readonly Pipeline[], parameters: Parameters): Resources {
  return Object.fromEntries(
    pipelines.map((pipeline) => [
      `${logicalId(pipeline.name)}Schedule`,
      {
        Type: 'AWS::Scheduler::Schedule',
        Properties: {
          Name: `${parameters.service}-${parameters.stage}-${pipeline.name}`,
          Description: `Runs the flush/ack cycle of pipeline ${pipeline.name}`,
          ScheduleExpression: rateOf(pipeline.checkpoint.interval),
          State: parameters.scheduleState,
          FlexibleTimeWindow: { Mode: 'OFF' },
          Target: {
            Arn: attribute('CheckpointLambdaFunction', 'Arn'),
            RoleArn: attribute('SchedulerRole', 'Arn'),
            Input: JSON.stringify({ pipeline: pipeline.name }),
            RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
            DeadLetterConfig: { Arn: attribute('Failures', 'Arn') },
          },
        },
      },
    ]),
  );
}

/** EventBridge Scheduler knows nothing finer than a minute. */
function rateOf(interval: number): string {
  const minutes = Math.max(1, Math.round(interval / 60_000));
  return minutes === 1 ? 'rate(1 minute)' : `rate(${minutes} minutes)`;
}
