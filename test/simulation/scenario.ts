import type { Pipeline } from '../../lib/pipeline/pipeline.ts';
import type { TableSettings } from './fakes/clickhouse.ts';
import type { FaultSet } from './faults.ts';
import type { MessageTrouble } from './messages.ts';
import type { Random } from './random.ts';

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
    },
    clientSkew: faults.has('client-clocks') ? random.pick([200, 2_000, 20_000]) : 0,
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
      // A moved cursor is seen when something is acknowledged, which here must be before the run ends.
      acknowledgeBehind: { checkpoints: faults.has('cursor-moved') ? 0 : random.pick([0, 0, 0, 1]), age: 0 },
    },
    consume: { mode: faults.has('follow') ? 'follow' : 'drain', lease: random.pick([4_000, 10_000]) },
    deadLetters: faults.has('dead-letters-halt')
      ? { enabled: random.chance(0.7), maxRatio: random.pick([0, 0.2]), minimum: 1 }
      : { enabled: true, maxRatio: 1, minimum: 1 },
    audit: { interval: 0, exclusions: [] },
    allowWithoutDeduplication,
  };
}
