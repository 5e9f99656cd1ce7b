import { METRICS, type MetricName } from '../../lib/lambda/metric-names.ts';
import type { Pipeline } from '../../lib/pipeline/pipeline.ts';
import { attribute, logicalId, NO_VALUE, type Resource, type Resources } from './cloudformation.ts';
import type { Parameters } from './parameters.ts';
import { minutesOf } from './schedules.ts';

/** Over so long a time most alarms look, or over three ticks. */
const LOOKED_AT_MINUTES = 5;
const OPERATIONS = 'See "When an alarm rings" in docs/operations.md.';

interface Rule {
  readonly id: string;
  readonly metric: MetricName;
  readonly threshold: number;
  /** How many of the looked at points must be above the threshold. */
  readonly points: number;
  readonly statistic: 'Maximum' | 'Sum';
  /** How long one finding keeps it ringing, where that is not the few ticks of the others. */
  readonly hours?: number;
  /** What it means and what to do first. */
  readonly advice: string;
}

/** A cycle tells how the pipeline is once a tick: shorter periods than that would be empty, and silence is health. */
function ticksOf(pipelines: readonly Pipeline[]): { readonly minutes: number; readonly looked: number } {
  const minutes = Math.min(...pipelines.map(({ checkpoint }) => minutesOf(checkpoint.interval)));
  return { minutes, looked: Math.max(3, Math.ceil(LOOKED_AT_MINUTES / minutes)) };
}

/** All of the points where ticks are a minute apart, two where they are far apart. */
function pointsIn(minutes: number, tick: number): number {
  return Math.max(2, Math.ceil(minutes / tick));
}

function rulesFor(pipeline: Pipeline): readonly Rule[] {
  const { name, checkpoint, audit } = pipeline;
  const seconds = Math.ceil(checkpoint.interval / 1000);
  const tick = minutesOf(checkpoint.interval);
  return [
    {
      id: 'Late',
      metric: METRICS.oldestUncommitted,
      threshold: Math.max(300, 3 * seconds),
      points: pointsIn(5, tick),
      statistic: 'Maximum',
      advice: `Messages of ${name} wait too long for ClickHouse. Look for consume errors and halted partitions, then at ClickHouse's insert times.`,
    },
    {
      id: 'Backlog',
      metric: METRICS.backlog,
      threshold: 100_000,
      points: pointsIn(5, tick),
      statistic: 'Maximum',
      advice: `${name} falls behind its topic. If consumers run without errors, raise consumeMemory or add partitions to the topic.`,
    },
    {
      id: 'CheckpointLate',
      metric: METRICS.checkpointAge,
      threshold: Math.max(600, 10 * seconds),
      points: pointsIn(3, tick),
      statistic: 'Maximum',
      advice: `No checkpoint of ${name} completes, so Pulsar keeps everything since. Read the checkpoint function's last errors.`,
    },
    {
      id: 'Halted',
      metric: METRICS.halted,
      threshold: 0,
      points: 1,
      statistic: 'Maximum',
      advice: `Partitions of ${name}, or of a replay of it, stopped themselves rather than lose or spoil data, or fail try after try. \`pulsehouse status\` shows which, and why; mend it, then \`pulsehouse resume\`, or \`pulsehouse replay --continue <id>\` for a replay.`,
    },
    {
      id: 'Unknown',
      metric: METRICS.unknown,
      threshold: 0,
      points: pointsIn(3, tick),
      statistic: 'Maximum',
      advice: `Partitions of ${name} do not answer, so nobody knows how they are; the others go on. \`pulsehouse status\` shows which. Look at the broker that serves them, and at its bookies.`,
    },
    {
      id: 'DeadLetters',
      metric: METRICS.deadLetters,
      threshold: 0,
      points: 1,
      statistic: 'Sum',
      advice: `Messages of ${name} could not become rows and lie in the bucket with their reasons. Mend the mapping or the producer, then redrive them.`,
    },
    {
      id: 'Conservation',
      metric: METRICS.conservation,
      threshold: 0,
      points: 1,
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
            points: 1,
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
  const own = pipelines.flatMap((pipeline) => {
    const { minutes, looked } = ticksOf([pipeline]);
    return rulesFor(pipeline).map((rule): [string, Resource] => [
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
          ? { Period: 60 * minutes, EvaluationPeriods: looked, DatapointsToAlarm: rule.points }
          : { Period: 3_600, EvaluationPeriods: rule.hours, DatapointsToAlarm: 1 }),
        TreatMissingData: 'notBreaching',
      }),
    ]);
  });
  return { ...Object.fromEntries(own), ...functionAlarms(prefix, actions, ticksOf(pipelines)) };
}

/** Alarms of the deployment as a whole, on metrics that AWS keeps for nothing. */
function functionAlarms(
  prefix: string,
  actions: unknown,
  { minutes, looked }: ReturnType<typeof ticksOf>,
): Resources {
  return {
    // Errors, time-outs, crashes and expired events of consume and checkpoint all end in the one queue.
    FailuresAlarm: alarm(
      `${prefix}-Failures`,
      'Invocations failed or timed out; their events lie in the queue of failures. The next tick has retried the work already: read why it failed. It ends by itself when none fails any more.',
      actions,
      {
        Namespace: 'AWS/SQS',
        // Those that arrive, not those that lie there: it must not ring until somebody purges the queue.
        MetricName: 'NumberOfMessagesSent',
        Dimensions: [{ Name: 'QueueName', Value: attribute('Failures', 'QueueName') }],
        Statistic: 'Sum',
        Threshold: 0,
        Period: 60 * minutes,
        EvaluationPeriods: looked,
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
      'No cycle was started for some ticks. Look whether the schedules are enabled and may invoke the function.',
      actions,
      {
        Namespace: 'AWS/Lambda',
        MetricName: 'Invocations',
        Dimensions: [{ Name: 'FunctionName', Value: { Ref: 'CheckpointLambdaFunction' } }],
        Statistic: 'Sum',
        Threshold: 1,
        ComparisonOperator: 'LessThanThreshold',
        Period: 60 * minutes,
        EvaluationPeriods: looked,
        DatapointsToAlarm: looked,
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
