import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { runCycle } from '../../../lib/checkpoint/cycle.ts';
import { consume } from '../../../lib/consume/consume.ts';
import type { Pipeline } from '../../../lib/pipeline/pipeline.ts';
import { type EventsPipeline, openEventsPipeline, silentLog } from '../../support/events-pipeline.ts';
import { test } from '../../support/place.ts';

const PATIENCE = 300_000;

/** A consumer that stays until its time is up. */
function follow(events: EventsPipeline, milliseconds: number) {
  const { pipeline, ports } = events;
  return consume(
    { ...ports, pipeline, environment, log: silentLog },
    {
      partition: 0,
      owner: environment.uniqueId(),
      deadline: environment.now() + milliseconds,
      until: 'deadline',
    },
  );
}

/** One cycle of the pipeline in follow mode; answers what it did and the partitions it had consumers started for. */
async function tick(events: EventsPipeline) {
  const pipeline: Pipeline = { ...events.pipeline, consume: { ...events.pipeline.consume, mode: 'follow' } };
  const started: number[] = [];
  const invoker = { invoke: async (_: string, partition: number) => void started.push(partition) };
  const result = await runCycle(
    { ...events.ports, pipeline, invoker, environment, log: silentLog },
    { owner: environment.uniqueId(), deadline: environment.now() + 30_000 },
  );
  return { result, started };
}

async function heldUntil({ ports, pipeline }: EventsPipeline): Promise<number | undefined> {
  const state = await ports.state.readPartition(pipeline.name, 0, environment.now() + 10_000);
  return state?.heldUntil;
}

async function untilHeld(events: EventsPipeline): Promise<void> {
  while ((await heldUntil(events)) === undefined) await sleep(50);
}

test(
  'a follower about to end has a successor started, which waits for the lease and goes on where it ended',
  async ({ place }) => {
    const events = await openEventsPipeline(place);
    try {
      expect((await tick(events)).started).toEqual([0]);
      const first = follow(events, 10_000);
      await untilHeld(events);
      expect((await tick(events)).started).toEqual([0]);
      const second = follow(events, 20_000);
      await events.publish(10);
      await expect(first).resolves.toMatchObject({ outcome: 'deadline', messages: 100 });
      await events.publish(10);
      await expect(second).resolves.toMatchObject({ outcome: 'deadline', messages: 100 });
      expect(await heldUntil(events)).toBeUndefined();
      expect(await events.audit()).toMatchObject({ exact: true, messages: 200, rows: 200 });
    } finally {
      await events.close();
    }
  },
  PATIENCE,
);

test(
  'a follower that stays is left alone: no successor, no snapshot while nothing moves, and a tick too many is busy',
  async ({ place }) => {
    const events = await openEventsPipeline(place);
    try {
      await tick(events);
      const stop = new AbortController();
      const { pipeline, ports } = events;
      const staying = consume(
        { ...ports, pipeline, environment, log: silentLog },
        {
          partition: 0,
          owner: environment.uniqueId(),
          deadline: environment.now() + 600_000,
          until: 'deadline',
          stop: stop.signal,
        },
      );
      await untilHeld(events);
      const { result, started } = await tick(events);
      expect(started).toEqual([]);
      expect(result).toMatchObject({ outcome: 'unchanged', invoked: [] });
      await expect(follow(events, 600_000)).resolves.toMatchObject({ outcome: 'busy' });
      stop.abort();
      await expect(staying).resolves.toMatchObject({ outcome: 'stopped' });
    } finally {
      await events.close();
    }
  },
  PATIENCE,
);
