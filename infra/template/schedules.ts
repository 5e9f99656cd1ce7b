import type { Pipeline } from '../../lib/pipeline/pipeline.ts';
import { attribute, logicalId, type Resource, type Resources } from './cloudformation.ts';
import type { Parameters } from './parameters.ts';

/**
 * Two schedules a pipeline: its cycle and its audits. A tick that could not be delivered within a minute is worth nothing,
 * the next one is due: it is not retried, and what it was goes to the queue of failures for people to see.
 */
export function schedules(pipelines: readonly Pipeline[], parameters: Parameters): Resources {
  return Object.fromEntries(
    pipelines.flatMap((pipeline) => [
      [
        `${logicalId(pipeline.name)}Schedule`,
        schedule(pipeline, parameters, {
          name: pipeline.name,
          description: `Runs the flush/ack cycle of pipeline ${pipeline.name}`,
          interval: pipeline.checkpoint.interval,
          function: 'CheckpointLambdaFunction',
        }),
      ],
      ...(pipeline.audit.interval === 0
        ? []
        : [
            [
              `${logicalId(pipeline.name)}AuditSchedule`,
              schedule(pipeline, parameters, {
                name: `${pipeline.name}-audit`,
                description: `Audits pipeline ${pipeline.name}`,
                interval: pipeline.audit.interval,
                function: 'AuditLambdaFunction',
              }),
            ],
          ]),
    ]),
  );
}

interface Scheduled {
  readonly name: string;
  readonly description: string;
  /** Milliseconds. */
  readonly interval: number;
  readonly function: string;
}

function schedule({ name }: Pipeline, parameters: Parameters, scheduled: Scheduled): Resource {
  return {
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      Name: `${parameters.service}-${parameters.stage}-${scheduled.name}`,
      Description: scheduled.description,
      ScheduleExpression: rateOf(scheduled.interval),
      State: parameters.scheduleState,
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: attribute(scheduled.function, 'Arn'),
        RoleArn: attribute('SchedulerRole', 'Arn'),
        Input: JSON.stringify({ pipeline: name }),
        RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
        DeadLetterConfig: { Arn: attribute('Failures', 'Arn') },
      },
    },
  };
}

/** Minutes from one tick to the next: EventBridge Scheduler knows nothing finer. */
export function minutesOf(interval: number): number {
  return Math.max(1, Math.round(interval / 60_000));
}

function rateOf(interval: number): string {
  const minutes = minutesOf(interval);
  return minutes === 1 ? 'rate(1 minute)' : `rate(${minutes} minutes)`;
}
