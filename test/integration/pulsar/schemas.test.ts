import { expect } from 'vitest';
import { BEFORE_ALL } from '../../../lib/pipeline/position.ts';
import type { TopicSchema } from '../../../lib/pulsar/wire/commands/schema.ts';
import { createWireTransport } from '../../../lib/pulsar/wire/transport.ts';
import {
  addressesOf,
  createTopic,
  publish,
  readEntries,
  soon,
  wireOptions,
} from '../../contract/transport/transport-under-test.ts';
import { test } from '../../support/place.ts';

const avro = (fields: readonly object[]): Uint8Array =>
  Buffer.from(JSON.stringify({ type: 'record', name: 'Reading', fields }));

const FIRST: TopicSchema = {
  type: 'avro',
  name: 'Reading',
  definition: avro([{ name: 'device', type: 'string' }]),
  properties: { owner: 'test' },
};
const SECOND: TopicSchema = {
  ...FIRST,
  definition: avro([
    { name: 'device', type: 'string' },
    { name: 'counter', type: 'long', default: 0 },
  ]),
};

test('each entry names the version of its schema, and each version is told', async ({ place }) => {
  const topic = await createTopic(place, 'evolving');
  const transport = createWireTransport(wireOptions(addressesOf(place)));
  expect(await transport.schema(topic, undefined, soon())).toBeUndefined();
  const payload = Buffer.from('x');
  for (const schema of [FIRST, SECOND])
    await publish(place, topic, (producer) => producer.send({ payload }), { schema });
  const reader = await transport.openReader(topic, { after: BEFORE_ALL, maxBufferedBytes: 1_000 }, soon());
  const [first, second] = await readEntries(reader, 2);
  const told = (version: Uint8Array | undefined) => transport.schema(topic, version, soon());
  expect(await told(first?.schemaVersion)).toMatchObject({ type: 'avro', properties: { owner: 'test' } });
  expect(Buffer.from((await told(first?.schemaVersion))?.definition ?? []).toString()).not.toContain(
    'counter',
  );
  expect(Buffer.from((await told(second?.schemaVersion))?.definition ?? []).toString()).toContain('counter');
  expect(await told(undefined)).toEqual(await told(second?.schemaVersion));
  await transport.close();
});

test.for(['string', 'bytes', 'json'] as const)(
  'the schema %s is told as it was registered',
  async (type, { place }) => {
    const topic = await createTopic(place, type);
    const definition = type === 'json' ? FIRST.definition : new Uint8Array(0);
    const schema: TopicSchema = { type, name: type, definition, properties: {} };
    const transport = createWireTransport(wireOptions(addressesOf(place)));
    await publish(place, topic, (producer) => producer.send({ payload: Buffer.from('"x"') }), { schema });
    const told = await transport.schema(topic, undefined, soon());
    expect(told?.type).toBe(type);
    await transport.close();
  },
);
