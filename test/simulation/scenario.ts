import type { NullValues, Pipeline } from '../../lib/pipeline/pipeline.ts';
import type { TableSettings } from './fakes/clickhouse.ts';
import type { FaultSet } from './faults.ts';
import type { MessageTrouble } from './messages.ts';
import type { Random } from './random.ts';

/** A topic in the place of ours: whether its identity says so, and where its ids are. Those of the same cluster are above. */
export interface Replacement {
  readonly identity: boolean;
  readonly ids: 'above' | 'below' | 'both';
}

/** What one run is about, drawn from its seed. Durations in milliseconds. */
export interface Scenario {
  readonly pipeline: Pipeline;
  readonly partitions: number;
  readonly entriesPerPartition: number;
  /** Entries are published and faults happen in this first stretch; then everything heals. */
  readonly troubled: number;
  /** How long an invocation may last. */
  readonly invocationLasts: number;
  readonly table: TableSettings;
  readonly messages: MessageTrouble;
  readonly replacement: Replacement | undefined;
  /** Clocks of invocations differ from the true one by at most this. */
  readonly clientSkew: number;
}

export function drawScenario(faults: FaultSet, random: Random): Scenario {
  const window = faults.has('no-window') ? 0 : faults.has('small-window') ? 200 : 1_000;
  return {
    pipeline: drawPipeline(random, faults, window === 0),
    partitions: random.between(1, 3),
    entriesPerPartition: random.between(3, 18),
    troubled: random.between(60, 180) * 1_000,
    invocationLasts: random.pick([15_000, 30_000, 60_000]),
    table: {
      window,
      skew: faults.has('table-clock')
        ? random.pick([-3_600_000, -20_000, -2_000, 2_000, 20_000, 3_600_000])
        : 0,
    },
    messages: {
      bad: faults.has('bad-messages') ? random.pick([0.02, 0.1, 0.3]) : 0,
      days: faults.has('several-days') ? random.between(2, 3) : 1,
      nullValues: random.pick<readonly [NullValues, ...NullValues[]]>([
        ['skip'],
        ['deadLetter'],
        ['skip', 'deadLetter'],
      ]),
    },
    clientSkew: faults.has('client-clocks') ? random.pick([200, 2_000, 20_000]) : 0,
    replacement: faults.has('topic-replaced')
      ? random.pick<Replacement>([
          { identity: true, ids: 'above' },
          { identity: true, ids: 'above' },
          { identity: true, ids: 'below' },
          { identity: false, ids: 'below' },
          { identity: true, ids: 'both' },
        ])
      : undefined,
  };
}

function drawPipeline(random: Random, faults: FaultSet, allowWithoutDeduplication: boolean): Pipeline {
  return {
    name: 'simulated',
    topic: 'topic',
    subscription: 'pulsehouse',
    initialPosition: { at: 'earliest' },
    target: { database: 'simulated', table: 'events' },
    source: { format: 'json', fields: { value: 'Int64', day: 'String' } },
    columns: { value: 'value', day: 'day' },
    batch: {
      maxRows: random.between(2, 12),
      maxBytes: 1_000_000,
      maxWait: random.pick([50, 500, 2_000]),
      inFlight: random.between(1, 3),
      insertTimeout: random.pick([2_000, 5_000, 10_000]),
    },
    checkpoint: {
      interval: random.pick([10_000, 20_000]),
      flushTimeout: random.pick([500, 3_000, 8_000]),
      snapshotsKept: random.between(2, 5),
      acknowledgeBehind: { checkpoints: drawBehind(random, faults), age: 0 },
    },
    consume: { mode: faults.has('follow') ? 'follow' : 'drain', lease: random.pick([4_000, 10_000]) },
    deadLetters: faults.has('dead-letters-halt')
      ? { enabled: random.chance(0.7), maxRatio: random.pick([0, 0.2]), minimum: 1 }
      : { enabled: true, maxRatio: 1, minimum: 1 },
    audit: { interval: 0, exclusions: [] },
    allowWithoutDeduplication,
  };
}

function drawBehind(random: Random, faults: FaultSet): number {
  // A moved cursor is seen when something is acknowledged, which here must be before the run ends.
  if (faults.has('cursor-moved')) return 0;
  // A rollback reaches as far back as acknowledgement trails.
  return faults.has('rollback') ? random.pick([0, 1, 2]) : random.pick([0, 0, 0, 1]);
}
