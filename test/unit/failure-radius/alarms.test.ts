import { describe, expect, test } from 'vitest';
import { alarms } from '../../../infra/template/alarms.ts';
import { METRICS } from '../../../lib/lambda/metric-names.ts';

const MINUTE = 60;
const INTERVALS = [1, 5, 10, 60, 24 * 60];

type Given = Parameters<typeof alarms>;

interface AlarmProperties {
  readonly MetricName: string;
  readonly Period: number;
  readonly Statistic: 'Maximum' | 'Sum';
  readonly Threshold: number;
  readonly ComparisonOperator: string;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm: number;
  readonly TreatMissingData: string;
}

/** The template's alarms of a pipeline whose cycle runs every so many minutes. */
function alarmOf(id: string, minutes: number): AlarmProperties {
  const pipeline = {
    name: 'iot',
    checkpoint: { interval: minutes * 60_000 },
    audit: { interval: 0 },
  } as Given[0][number];
  const parameters = { service: 's', stage: 't', alarmTopicArn: '' } as Given[1];
  const found = alarms([pipeline], parameters)[`${id}Alarm`];
  if (!found) throw new Error(`there is no alarm ${id}`);
  return found.Properties as unknown as AlarmProperties;
}

/** Seconds and value. */
type Sample = readonly [at: number, value: number];

/** What CloudWatch says at `now`, of the periods that have ended. */
function rings(alarm: AlarmProperties, samples: readonly Sample[], now: number): boolean {
  const end = Math.floor(now / alarm.Period) * alarm.Period;
  let breaching = 0;
  for (let back = 1; back <= alarm.EvaluationPeriods; back += 1) {
    const from = end - back * alarm.Period;
    const values = samples.filter(([at]) => at >= from && at < from + alarm.Period).map(([, value]) => value);
    breaching += isBreaching(alarm, values) ? 1 : 0;
  }
  return breaching >= alarm.DatapointsToAlarm;
}

function isBreaching(alarm: AlarmProperties, values: readonly number[]): boolean {
  if (values.length === 0) return alarm.TreatMissingData === 'breaching';
  const value = alarm.Statistic === 'Sum' ? values.reduce((sum, one) => sum + one, 0) : Math.max(...values);
  return alarm.ComparisonOperator === 'LessThanThreshold' ? value < alarm.Threshold : value > alarm.Threshold;
}

/** One sample a tick, some seconds after it; a cycle sends no zero. */
function samplesOf(minutes: number, ticks: number, valueAt: (tick: number) => number): readonly Sample[] {
  return Array.from(
    { length: ticks },
    (_, tick): Sample => [tick * minutes * MINUTE + 7, valueAt(tick)],
  ).filter(([, value]) => value !== 0);
}

/** Of a trouble that lasts for twelve ticks: whether it rang meanwhile, and still rings twelve ticks later. */
function course(alarm: AlarmProperties, minutes: number, value: number) {
  const samples = samplesOf(minutes, 12, () => value);
  const over = (ticks: number) => rings(alarm, samples, ticks * minutes * MINUTE + 30);
  return { during: over(12), after: over(24) };
}

describe.each(INTERVALS)('with a cycle every %i minutes', (minutes) => {
  const seconds = minutes * MINUTE;

  test.each([
    ['IotLate', METRICS.oldestUncommitted, 20 * Math.max(300, seconds)],
    ['IotBacklog', METRICS.backlog, 1_000_000],
    ['IotCheckpointLate', METRICS.checkpointAge, 20 * Math.max(600, seconds)],
    ['IotHalted', METRICS.halted, 1],
    ['IotUnknown', METRICS.unknown, 1],
    ['IotConservation', METRICS.conservation, 1],
  ])('%s rings while the trouble lasts, and ends with it', (id, metric, value) => {
    const alarm = alarmOf(id, minutes);
    expect(alarm.MetricName).toBe(metric);
    expect(course(alarm, minutes, value)).toEqual({ during: true, after: false });
  });

  test.each(['IotLate', 'IotCheckpointLate', 'IotUnknown', 'IotBacklog'])(
    '%s does not ring for one bad moment',
    (id) => {
      const alarm = alarmOf(id, minutes);
      const samples = samplesOf(minutes, 12, (tick) => (tick === 11 ? 10_000_000 : 0));
      for (let ticks = 12; ticks < 20; ticks += 1)
        expect(rings(alarm, samples, ticks * minutes * MINUTE + 30), `${ticks} ticks`).toBe(false);
    },
  );

  test('Silence rings when no cycle is started any more, and never between two ticks', () => {
    const alarm = alarmOf('Silence', minutes);
    // Schedules are late by some seconds, now more, now less.
    const ticks = samplesOf(minutes, 40, () => 1).map(([at], tick): Sample => [at + (tick % 3) * 20, 1]);
    for (let now = 20 * seconds; now < 40 * seconds; now += 30)
      if (now % (seconds / 2) === 0) expect(rings(alarm, ticks, now)).toBe(false);
    expect(rings(alarm, ticks, 50 * seconds)).toBe(true);
  });

  test('Failures rings when an invocation fails, and ends when none does any more, purged or not', () => {
    const alarm = alarmOf('Failures', minutes);
    const failed: readonly Sample[] = [[30 * seconds + 40, 1]];
    expect(rings(alarm, failed, 31 * seconds + 70)).toBe(true);
    expect(rings(alarm, failed, 45 * seconds)).toBe(false);
  });
});

test('each alarm is one that CloudWatch accepts: a day of periods under an hour, a week of longer ones', () => {
  for (const minutes of INTERVALS)
    for (const id of ['IotLate', 'IotHalted', 'Silence', 'Failures']) {
      const { Period, EvaluationPeriods, DatapointsToAlarm } = alarmOf(id, minutes);
      expect(Period % 60).toBe(0);
      expect(Period * EvaluationPeriods).toBeLessThanOrEqual(Period < 3_600 ? 86_400 : 7 * 86_400);
      expect(DatapointsToAlarm).toBeLessThanOrEqual(EvaluationPeriods);
    }
});
