import { describe, expect, test } from 'vitest';
import { measureHealth } from '../../../lib/checkpoint/health.ts';
import type { CycleState } from '../../../lib/pipeline/cycle-state.ts';
import { NO_TOTALS, type PartitionState } from '../../../lib/pipeline/partition-state.ts';
import { BEFORE_ALL } from '../../../lib/pipeline/position.ts';
import { checkpointRecord, cycleState, partitionState } from '../../contract/state-store/states.ts';
import { Calm } from '../contract/driven.ts';
import { Broker } from '../fakes/broker.ts';
import { unanswered } from '../fakes/errors.ts';
import { SimulatedStateStore } from '../fakes/state-store.ts';
import { StateTable } from '../fakes/state-table.ts';
import { SimulatedTransport } from '../fakes/transport.ts';
import { drawFaults } from '../faults.ts';
import { Link, NO_FAULTS } from '../link.ts';
import { makeEntry } from '../messages.ts';
import { drawScenario } from '../scenario.ts';

const HOUR = 3_600_000;

/** A broker with partitions, a table with their states, and what health says of them. */
class Measured {
  readonly calm = new Calm();
  readonly noAnswer = unanswered('PH_PULSAR_TIMEOUT');
  readonly broker = new Broker(
    this.calm.link(),
    this.calm.random,
    new Link(this.calm.scheduler, this.calm.random, { ...NO_FAULTS, lost: 1 }, this.noAnswer),
  );
  readonly table = new StateTable(this.calm.link());
  readonly pipeline = drawScenario(drawFaults(this.calm.random), this.calm.random).pipeline;

  get now(): number {
    return this.calm.scheduler.now;
  }

  /** A partition whose entries were published so many milliseconds ago, the first `committed` of them committed. */
  add(ages: readonly number[], committed: number, changes: Partial<PartitionState> = {}): void {
    const partition = this.broker.partitions.length;
    this.broker.addPartition(1);
    const subject = this.broker.partitions[partition];
    for (const age of ages)
      subject?.append((at) =>
        makeEntry(at, this.now - age, this.calm.random, { bad: 0, days: 1, nullValues: ['deadLetter'] }),
      );
    const last = subject?.entries[committed - 1];
    this.table.partition(this.pipeline.name, partition).create(
      partitionState(this.pipeline.name, {
        partition,
        topic: subject?.name ?? '',
        committed: last?.position ?? BEFORE_ALL,
        committedPublishTime: last?.publishTime ?? 0,
        ...changes,
      }),
    );
  }

  cycle(changes: Partial<CycleState> = {}): void {
    const partitions = this.broker.partitions.length;
    this.table
      .cycle(this.pipeline.name)
      .create(
        cycleState(this.pipeline.name, { partitions, latest: 1, opened: 1, acknowledging: 1, ...changes }),
      );
  }

  /** The latest checkpoint, which held so many batches. */
  checkpointAnHourAgo(batches: number): void {
    const completed = { status: 'complete', completedAt: this.now - HOUR, batches } as const;
    this.table.putCheckpoint(checkpointRecord(this.pipeline.name, completed));
  }

  async health() {
    const { calm, pipeline } = this;
    const measuring = measureHealth(
      {
        pipeline,
        state: new SimulatedStateStore(calm.invocation, this.table),
        transport: new SimulatedTransport(calm.invocation, this.broker, calm.random),
        environment: calm.invocation.environment,
      },
      calm.deadline(),
    );
    let over = false;
    void measuring
      .catch(() => undefined)
      .then(() => {
        over = true;
      });
    await calm.scheduler.run(Number.POSITIVE_INFINITY, () => over);
    return measuring;
  }
}

describe('lateness is the age of the oldest pending message', () => {
  test('a hundred sparse partitions, whose last message was an hour ago and whose next one has just come, are not late', async () => {
    const measured = new Measured();
    for (let partition = 0; partition < 100; partition += 1)
      measured.add(partition < 20 ? [HOUR, 5_000] : [HOUR], 1);
    measured.cycle();
    const { oldestUncommitted } = await measured.health();
    expect(oldestUncommitted).toBeGreaterThanOrEqual(5_000);
    expect(oldestUncommitted).toBeLessThan(60_000);
  });

  test('one whose oldest message has waited is late by it, before its first commit too', async () => {
    const measured = new Measured();
    measured.add([2 * HOUR, HOUR, 1_000], 1);
    measured.add([3 * HOUR], 0);
    measured.cycle();
    const { oldestUncommitted } = await measured.health();
    expect(oldestUncommitted).toBeGreaterThanOrEqual(3 * HOUR);
    expect(oldestUncommitted).toBeLessThan(3 * HOUR + 60_000);
  });
});

test('a partition that does not answer is unknown, and hides nothing of the others', async () => {
  const measured = new Measured();
  measured.add([HOUR], 1);
  measured.add([2 * HOUR, HOUR], 1);
  measured.cycle();
  const [away] = measured.broker.partitions;
  if (away === undefined) throw new Error('there is no partition');
  expect(await measured.health()).toMatchObject({ unknownPartitions: 0 });
  measured.broker.takeAway(away);
  const health = await measured.health();
  expect(health).toMatchObject({ unknownPartitions: 1, backlogEntries: 1 });
  expect(health.oldestUncommitted).toBeGreaterThanOrEqual(HOUR);
});

describe('checkpoints that are due', () => {
  const stored = { totals: { ...NO_TOTALS, batches: 7 } };

  test('a cycle that fails before it opens one shows by what was committed since', async () => {
    const measured = new Measured();
    measured.add([HOUR], 1, stored);
    measured.cycle();
    measured.checkpointAnHourAgo(6);
    expect((await measured.health()).checkpointAge).toBeGreaterThanOrEqual(HOUR);
  });

  test('an idle pipeline has none that is due, however old the latest is', async () => {
    const measured = new Measured();
    measured.add([HOUR], 1, stored);
    measured.cycle();
    measured.checkpointAnHourAgo(7);
    expect(await measured.health()).toMatchObject({ checkpointAge: 0 });
  });

  test('before the first one its age is that of the pipeline', async () => {
    const measured = new Measured();
    measured.add([HOUR], 1, stored);
    const began = new Date(measured.now - HOUR).toISOString().replaceAll(/[-:.]/g, '');
    measured.cycle({ generation: `${began}-abc`, latest: 0, opened: 0, acknowledging: 0, acknowledged: 0 });
    expect((await measured.health()).checkpointAge).toBeGreaterThanOrEqual(HOUR);
  });
});
