import { expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { type DeadLetter, parseDeadLetters } from '../../../lib/consume/dead-letter-lines.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import type { PlanDependencies } from '../../../lib/replay/replay/plan.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { type Place, test } from '../../support/place.ts';
import { connectAs, consumeWith, openSubject, soon } from '../replay/subject.ts';

const TOLERANT = { enabled: true, maxRatio: 1, minimum: 100 };

test('whoever reads the bucket by hand finds each dead letter once, whatever was found first', async ({
  place,
}) => {
  const subject = await openSubject(place);
  const payloads = ['{"id":0}', 'no JSON', '{"id":"a word"}', '{"id":3}', '[1]', '{"id":{}}'];
  await publish(place, subject.pipeline.topic, payloads);
  const tolerant = await connectAs(place, { ...subject.pipeline, deadLetters: TOLERANT });
  expect(await consumeWith(tolerant)).toMatchObject({ rows: 2, deadLetters: 4 });

  const lines = await linesOf(tolerant);
  expect(lines.map(({ index }) => index).sort()).toEqual([1, 2, 4, 5]);
  expect(lines.map((line) => Buffer.from(line.payload, 'base64').toString()).sort()).toEqual(
    [payloads[1], payloads[2], payloads[4], payloads[5]].sort(),
  );
  const [batch] = await tolerant.state.readBatches('events', 0, await generationOf(tolerant), soon());
  expect(batch?.deadLetters).toMatchObject({ count: 4, parts: [{ count: 2 }, { count: 2 }] });
  await tolerant.close();
  await subject.close();
});

test('a dead letter carries key, properties, event time and producer of its message', async ({ place }) => {
  const subject = await openSubject(place);
  const properties = { source: 'sensor 7', unit: '°C' };
  await publish(place, subject.pipeline.topic, ['no JSON'], {
    key: 'k-1',
    properties,
    eventTime: 1_790_000_000_123,
  });
  const tolerant = await connectAs(place, { ...subject.pipeline, deadLetters: TOLERANT });
  expect(await consumeWith(tolerant)).toMatchObject({ rows: 0, deadLetters: 1 });
  expect(await linesOf(tolerant)).toMatchObject([
    { key: 'k-1', properties, eventTime: 1_790_000_000_123, producer: expect.stringMatching(/./) },
  ]);
  await tolerant.close();
  await subject.close();
});

async function publish(
  place: Place,
  topic: string,
  payloads: readonly string[],
  metadata: {
    readonly key?: string;
    readonly properties?: Record<string, string>;
    readonly eventTime?: number;
  } = {},
): Promise<void> {
  const serviceUrl = place.environment['PULSAR_SERVICE_URL'] ?? '';
  const producer = await openProducer({ serviceUrl, environment, log: silentLog }, `${topic}-partition-0`);
  await producer.sendBatch(payloads.map((text) => ({ payload: Buffer.from(text), ...metadata })));
  await producer.close();
}

/** All lines of all objects, as `cat` would show them. */
async function linesOf({ objects }: PlanDependencies): Promise<readonly DeadLetter[]> {
  const keys = await objects.list('events/dead-letters/', soon());
  const bodies = await Promise.all(keys.map((key) => objects.read(key, soon())));
  return bodies.flatMap((body) => (body ? parseDeadLetters(body) : []));
}

async function generationOf({ state }: PlanDependencies): Promise<string> {
  return (await state.readPartition('events', 0, soon()))?.generation ?? '';
}
