import { METRICS, type MetricName } from '../../lib/lambda/metric-names.ts';
import type { Pipeline } from '../../lib/pipeline/pipeline.ts';
import { attribute, logicalId, NO_VALUE, type Resource, type Resources } from './cloudformation.ts';
import type { Parameters } from './parameters.ts';

const OPERATIONS = 'See "When an alarm rings" in docs/operations.md.';

interface Rule {
  readonly id: string;
  readonly metric: MetricName;
  readonly threshold: number;
  /** Of five minutes, how many must be above the threshold. One suffices where the first is already too many. */
  readonly minutes: number;
  readonly statistic: 'Maximum' | 'Sum';
  /** How long one finding keeps it ringing, where that is not the five minutes of the others. */
  readonly hours?: number;
  /** What it means and what to do first. */
  readonly advice: string;
}

function rulesFor(pipeline: Pipeline): readonly Rule[] {
  const { name, checkpoint, audit } = pipeline;
  const seconds = Math.ceil(checkpoint.interval / 1000);
  return [
    {
      id: 'Late',
      metric: METRICS.oldestUncommitted,
      threshold: Math.max(300, 3 * seconds),
      minutes: 5,
      statistic: 'Maximum',
      advice: `Messages of ${name} wait too long for ClickHouse. Look for consume errors and halted partitions, then at ClickHouse's insert times.`,
    },
    {
      id: 'Backlog',
      metric: METRICS.backlog,
      threshold: 100_000,
      minutes: 5,
      statistic: 'Maximum',
      advice: `${name} falls behind its topic. If consumers run without errors, raise consumeMemory or add partitions to the topic.`,
    },
    {
      id: 'CheckpointLate',
      metric: METRICS.checkpointAge,
      threshold: Math.max(600, 10 * seconds),
      minutes: 3,
      statistic: 'Maximum',
      advice: `No checkpoint of ${name} completes, so Pulsar keeps everything since. Read the checkpoint function's last errors.`,
    },
    {
      id: 'Halted',
      metric: METRICS.halted,
      threshold: 0,
      minutes: 1,
      statistic: 'Maximum',
      advice: `Partitions of ${name}, or of a replay of it, stopped themselves rather than lose or spoil data, or fail try after try. \`pulsehouse status\` shows which, and why; mend it, then \`pulsehouse resume\`, or \`pulsehouse replay --continue <id>\` for a replay.`,
    },
    {
      id: 'DeadLetters',
      metric: METRICS.deadLetters,
      threshold: 0,
      minutes: 1,
      statistic: 'Sum',
      advice: `Messages of ${name} could not become rows and lie in the bucket with their reasons. Mend the mapping or the producer, then redrive them.`,
    },
    {
      id: 'Conservation',
      metric: METRICS.conservation,
      threshold: 0,
      minutes: 1,
      statistic: 'Maximum',
      advice: `Read and written counts of ${name} differ: a defect. Pause the pipeline, run \`pulsehouse audit\` and report what it says.`,
    },
    ...(audit.interval === 0
      ? []
      : [
          {
            id: 'Audit',
            metric: METRICS.auditFaults,
            threshold: 0,
            minutes: 1,
            statistic: 'Maximum',
            hours: hoursUntilNext(audit.interval),
            advice: `The audit of ${name} found rows missing, doubled or foreign, or a cross-check that does not agree. \`pulsehouse audit\` shows which; \`pulsehouse replay --mode repair\` brings missing rows back.`,
          } as const,
        ]),
  ];
}

/** CloudWatch looks back a week at the most. What was found keeps ringing until the next audit finds nothing. */
function hoursUntilNext(interval: number): number {
  return Math.min(7 * 24, Math.ceil(interval / 3_600_000) + 1);
}

/** An alarm costs 0.10 USD a month for each metric it looks at, so each looks at one and none at what another one sees. */
export function alarms(pipelines: readonly Pipeline[], parameters: Parameters): Resources {
  const actions = parameters.alarmTopicArn === '' ? NO_VALUE : [parameters.alarmTopicArn];
  const prefix = `${parameters.service}-${parameters.stage}`;
  const own = pipelines.flatMap((pipeline) =>
    rulesFor(pipeline).map((rule): [string, Resource] => [
      `${logicalId(pipeline.name)}${rule.id}Alarm`,
      alarm(`${prefix}-${pipeline.name}-${rule.id}`, rule.advice, actions, {
        Namespace: 'Pulsehouse',
        MetricName: rule.metric,
        Dimensions: [
          { Name: 'service', Value: prefix },
          { Name: 'pipeline', Value: pipeline.name },
        ],
        Statistic: rule.statistic,
        Threshold: rule.threshold,
        ...(rule.hours === undefined
          ? { EvaluationPeriods: 5, DatapointsToAlarm: rule.minutes }
          : { Period: 3_600, EvaluationPeriods: rule.hours, DatapointsToAlarm: 1 }),
        TreatMissingData: 'notBreaching',
      }),
    ]),
  );
  return { ...Object.fromEntries(own), ...functionAlarms(prefix, actions) };
}

/** Alarms of the deployment as a whole, on metrics that AWS keeps for nothing. */
function functionAlarms(prefix: string, actions: unknown): Resources {
  return {
    // Errors, time-outs, crashes and expired events of consume and checkpoint all end in the one queue.
    FailuresAlarm: alarm(
      `${prefix}-Failures`,
      'Events of failed or timed-out invocations lie in the queue of failures. The next tick has retried the work already: read why it failed, then purge the queue.',
      actions,
      {
        Namespace: 'AWS/SQS',
        MetricName: 'ApproximateNumberOfMessagesVisible',
        Dimensions: [{ Name: 'QueueName', Value: attribute('Failures', 'QueueName') }],
        Statistic: 'Maximum',
        Threshold: 0,
        EvaluationPeriods: 1,
        DatapointsToAlarm: 1,
        TreatMissingData: 'notBreaching',
      },
    ),
    ThrottlesAlarm: alarm(
      `${prefix}-Throttles`,
      "The account's concurrency is used up, so consumers do not start. Ask AWS for more, or have fewer partitions at work.",
      actions,
      {
        Namespace: 'AWS/Lambda',
        MetricName: 'Throttles',
        Dimensions: [{ Name: 'FunctionName', Value: { Ref: 'ConsumeLambdaFunction' } }],
        Statistic: 'Sum',
        Threshold: 0,
        EvaluationPeriods: 5,
        DatapointsToAlarm: 3,
        TreatMissingData: 'notBreaching',
      },
    ),
    // The one alarm that silence sets off: with no tick there is no metric to look at either.
    SilenceAlarm: alarm(
      `${prefix}-Silence`,
      'No cycle was started for five minutes. Look whether the schedules are enabled and may invoke the function.',
      actions,
      {
        Namespace: 'AWS/Lambda',
        MetricName: 'Invocations',
        Dimensions: [{ Name: 'FunctionName', Value: { Ref: 'CheckpointLambdaFunction' } }],
        Statistic: 'Sum',
        Threshold: 1,
        ComparisonOperator: 'LessThanThreshold',
        EvaluationPeriods: 5,
        DatapointsToAlarm: 5,
        TreatMissingData: 'breaching',
      },
    ),
  };
}

function alarm(
  name: string,
  advice: string,
  actions: unknown,
  properties: Record<string, unknown>,
): Resource {
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: name,
      AlarmDescription: `${advice} ${OPERATIONS}`,
      AlarmActions: actions,
      OKActions: actions,
      Period: 60,
      ComparisonOperator: 'GreaterThanThreshold',
      ...properties,
    },
  };
}
