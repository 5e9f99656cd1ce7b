import { expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { type CycleResult, runCycle } from '../../../lib/checkpoint/cycle.ts';
import { listSnapshots } from '../../../lib/checkpoint/snapshots.ts';
import type { StateStore } from '../../../lib/ports/state-store.ts';
import { publishEvents } from '../../support/events.ts';
import { type EventsPipeline, openEventsPipeline, silentLog } from '../../support/events-pipeline.ts';
import { type Place, test } from '../../support/place.ts';

const PATIENCE = 240_000;
const PARTITIONS = 48;
const GROWN = 64;
const PENDING = [0, 7, 31, 47];

const soon = () => environment.now() + 60_000;

/** One cycle with its consumers, which it does not wait for longer than its pipeline says; they have ended when it answers. */
async function cycle(
  { pipeline, ports, consume }: EventsPipeline,
  state: StateStore = ports.state,
): Promise<CycleResult> {
  const started: Promise<unknown>[] = [];
  const invoker = {
    invoke: async (_: string, partition: number) => void started.push(consume(partition)),
  };
  const dependencies = { ...ports, state, pipeline, environment, log: silentLog, invoker };
  const result = await runCycle(dependencies, { owner: environment.uniqueId(), deadline: soon() });
  await Promise.all(started);
  return result;
}

async function publishTo(place: Place, { pipeline }: EventsPipeline, partition: number): Promise<void> {
  const topic = `${pipeline.topic}-partition-${partition}`;
  await publishEvents(place.environment, topic, { entries: 2, messagesAnEntry: 10, from: partition * 100 });
}

test(
  'of many partitions only those with something to read cost anything: a consumer, and looks at their states',
  async ({ place }) => {
    const events = await openEventsPipeline(place, PARTITIONS);
    const { pipeline, ports } = events;
    expect(await cycle(events)).toMatchObject({ outcome: 'completed', invoked: [] });

    for (const partition of PENDING) await publishTo(place, events, partition);
    const looks: (number | readonly number[])[] = [];
    const watched: StateStore = {
      ...ports.state,
      readEachPartition: (name, partitions, deadline) => {
        looks.push(partitions);
        return ports.state.readEachPartition(name, partitions, deadline);
      },
    };
    expect(await cycle(events, watched)).toMatchObject({ outcome: 'completed', invoked: PENDING });
    expect(looks.filter((look) => typeof look === 'number')).toHaveLength(2);
    const whileWaiting = looks.flatMap((look) => (typeof look === 'number' ? [] : look));
    expect(whileWaiting).toEqual(expect.arrayContaining(PENDING));
    expect(whileWaiting.filter((partition) => !PENDING.includes(partition))).toEqual([]);

    // What consumers committed after the wait.
    await cycle(events);
    const snapshots = () => listSnapshots(ports.objects, pipeline.name, soon());
    const before = await snapshots();
    expect(await cycle(events)).toMatchObject({ outcome: 'unchanged', invoked: [], halted: [] });
    expect(await snapshots()).toEqual(before);
    expect(await events.audit()).toMatchObject({ exact: true, rows: PENDING.length * 20, drained: true });
    await events.close();
  },
  PATIENCE,
);

test(
  'partitions that are added, many at once, are all taken in by one cycle and read from their first message',
  async ({ place }) => {
    const events = await openEventsPipeline(place, 1);
    await cycle(events);
    await place.admin('POST', `${events.pipeline.topic.replace('://', '/')}/partitions`, GROWN);
    for (const partition of [1, 40, GROWN - 1]) await publishTo(place, events, partition);
    expect(await cycle(events)).toMatchObject({ invoked: [1, 40, GROWN - 1] });
    expect(await events.ports.state.readCycle('events', soon())).toMatchObject({ partitions: GROWN });
    expect(await events.ports.state.readPartitions('events', GROWN, soon())).toHaveLength(GROWN);
    await cycle(events);
    expect(await events.audit()).toMatchObject({ exact: true, rows: 60, drained: true });
    await events.close();
  },
  PATIENCE,
);
