import { expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { type CycleResult, runCycle } from '../../../lib/checkpoint/cycle.ts';
import { PulsehouseError } from '../../../lib/pipeline/errors.ts';
import type { Transport } from '../../../lib/ports/transport.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { type EventsPipeline, openEventsPipeline, silentLog } from '../../support/events-pipeline.ts';
import { test } from '../../support/place.ts';

const PARTITIONS = 6;
const AWAY = 3;
const PATIENCE = 240_000;

const soon = () => environment.now() + 60_000;

/** Whatever is asked of the partition's topic has no answer, as while its ledger cannot be opened. */
function withoutPartition(transport: Transport, number: number): Transport {
  const reach = <T>(topic: string, ask: () => Promise<T>): Promise<T> =>
    topic.endsWith(`-partition-${number}`)
      ? Promise.reject(new PulsehouseError('PH_PULSAR_TIMEOUT', `${topic}: silence`))
      : ask();
  return {
    partitions: (...given) => transport.partitions(...given),
    topicIdentity: (...given) => transport.topicIdentity(...given),
    close: () => transport.close(),
    openReader: (...given) => reach(given[0], () => transport.openReader(...given)),
    lastPosition: (...given) => reach(given[0], () => transport.lastPosition(...given)),
    hasOnlyMarkers: (...given) => reach(given[0], () => transport.hasOnlyMarkers(...given)),
    acknowledge: (...given) => reach(given[0], () => transport.acknowledge(...given)),
    ensureSubscription: (...given) => reach(given[0], () => transport.ensureSubscription(...given)),
    subscriptionState: (...given) => reach(given[0], () => transport.subscriptionState(...given)),
  };
}

/** One cycle and the consumers it started. */
async function cycle(
  { pipeline, ports, consume }: EventsPipeline,
  transport: Transport,
): Promise<CycleResult> {
  const started: Promise<unknown>[] = [];
  const invoker = {
    invoke: async (_: string, partition: number) => void started.push(consume(partition)),
  };
  const dependencies = { ...ports, transport, pipeline, environment, log: silentLog, invoker };
  try {
    return await runCycle(dependencies, { owner: environment.uniqueId(), deadline: soon() });
  } finally {
    await Promise.all(started);
  }
}

test(
  'while one partition does not answer, the others are read, stored, acknowledged and audited, and the cycle says which it was',
  async ({ place }) => {
    const events = await openEventsPipeline(place, PARTITIONS);
    const { ports, pipeline } = events;
    await events.publish(2);
    const crippled = withoutPartition(ports.transport, AWAY);
    const ended = expect.objectContaining({
      code: 'PH_PULSAR_TIMEOUT',
      message: expect.stringContaining(`not answered for: partitions ${AWAY}`),
      where: expect.objectContaining({ partition: AWAY }),
    });
    await expect(cycle(events, crippled)).rejects.toEqual(ended);
    // What was committed after the wait for flushes stands in the next snapshot.
    await expect(cycle(events, crippled)).rejects.toEqual(ended);

    const states = await ports.state.readPartitions(pipeline.name, PARTITIONS, soon());
    expect(states.map(({ totals }) => totals.rows)).toEqual([20, 20, 20, 0, 20, 20]);
    const { latest, acknowledged, unacknowledged } =
      (await ports.state.readCycle(pipeline.name, soon())) ?? expect.fail('there is no cycle');
    expect(acknowledged).toBe(latest);
    expect(unacknowledged).toEqual([AWAY]);
    expect(await ports.state.readCheckpoint(pipeline.name, latest, soon())).toMatchObject({
      // A slow machine may leave others out of a snapshot too.
      laggards: expect.arrayContaining([AWAY]),
    });
    const dependencies = { ...ports, transport: crippled, pipeline, environment, log: silentLog };
    expect(await audit(dependencies, {}, { deadline: soon() })).toMatchObject({
      exact: false,
      rows: 100,
      missing: 0,
      unknown: [{ partition: AWAY, code: 'PH_PULSAR_TIMEOUT' }],
      problems: [expect.stringContaining(`partition ${AWAY} was not compared`)],
    });
    for (const { partition, topic, committed } of states) {
      const found = await ports.transport.subscriptionState(topic, pipeline.subscription, soon());
      if (partition !== AWAY) expect(found?.markDelete).toEqual(committed);
    }

    await cycle(events, ports.transport);
    await cycle(events, ports.transport);
    expect(await ports.state.readCycle(pipeline.name, soon())).not.toHaveProperty('unacknowledged');
    expect(await events.audit()).toMatchObject({ exact: true, rows: PARTITIONS * 20, drained: true });
    await events.close();
  },
  PATIENCE,
);
