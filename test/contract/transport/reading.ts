import { describe, expect } from 'vitest';
import { BEFORE_ALL, formatPosition } from '../../../lib/pipeline/position.ts';
import { test } from '../../support/place.ts';
import {
  addressesOf,
  createTopic,
  payloadsOf,
  publish,
  publishBatches,
  readEntries,
  soon,
  type TransportUnderTest,
} from './transport-under-test.ts';

const BUFFER = 1024 * 1024;

export function readingContract(subject: TransportUnderTest): void {
  describe(`${subject.name}: reading`, () => {
    test('gives whole entries in the order of their positions, each message in its place', async ({
      place,
    }) => {
      const topic = await createTopic(place, 'order');
      const sizes = [1, 10, 1_000, 3, 1];
      const positions = await publishBatches(place, topic, sizes);
      const transport = await subject.open(addressesOf(place));
      const reader = await transport.openReader(
        topic,
        { after: BEFORE_ALL, maxBufferedBytes: BUFFER },
        soon(),
      );
      const entries = await readEntries(reader, sizes.length);
      expect(entries.map(({ position }) => position)).toEqual(positions);
      expect(entries.map(({ count, messages }) => [count, messages])).toEqual(
        sizes.map((size) => [size, size]),
      );
      entries.forEach((entry, number) => {
        expect(payloadsOf(entry)).toEqual(
          Array.from({ length: entry.count }, (_, index) => `${number}.${index}`),
        );
      });
      expect(await reader.next(50)).toBeUndefined();
      await reader.close();
      await transport.close();
    });

    test('resumes after any position and gives nothing twice', async ({ place }) => {
      const topic = await createTopic(place, 'resume');
      const positions = await publishBatches(place, topic, [2, 1, 5, 1, 3, 1]);
      const single = await publish(place, topic, (producer) =>
        Promise.all(['a', 'b'].map((text) => producer.send({ payload: Buffer.from(text) }))),
      );
      const all = [...positions, ...single];
      const transport = await subject.open(addressesOf(place));
      for (const [index, after] of all.entries()) {
        const reader = await transport.openReader(topic, { after, maxBufferedBytes: BUFFER }, soon());
        const rest = await readEntries(reader, all.length - index - 1);
        expect(rest.map(({ position }) => position)).toEqual(all.slice(index + 1));
        await reader.close();
      }
      await transport.close();
    });

    test('gives empty, null and large messages as they are', async ({ place }) => {
      const topic = await createTopic(place, 'sizes');
      const large = Buffer.alloc(3 * BUFFER, 'x');
      await publish(place, topic, async (producer) => {
        await producer.send({ payload: Buffer.alloc(0), key: 'empty' });
        await producer.send({ payload: undefined, key: 'null' });
        await producer.send({ payload: large, properties: { size: 'large' }, eventTime: 1_795_000_000_000 });
        await producer.sendBatch([
          { payload: Buffer.alloc(0) },
          { payload: undefined },
          { payload: Buffer.from('z') },
        ]);
      });
      const transport = await subject.open(addressesOf(place));
      const reader = await transport.openReader(
        topic,
        { after: BEFORE_ALL, maxBufferedBytes: BUFFER },
        soon(),
      );
      const [empty, tombstone, big, batch] = await readEntries(reader, 4);
      expect(empty && [payloadsOf(empty), empty.metadata(0).key]).toEqual([[''], 'empty']);
      expect(tombstone && [payloadsOf(tombstone), tombstone.metadata(0).key]).toEqual([
        [subject.nullValue],
        'null',
      ]);
      expect(big && Buffer.from(big.data.subarray(big.bounds[0], big.bounds[1])).equals(large)).toBe(true);
      expect(big?.metadata(0)).toMatchObject({ properties: { size: 'large' }, eventTime: 1_795_000_000_000 });
      expect(batch && payloadsOf(batch)).toEqual(['', subject.nullValue, 'z']);
      await reader.close();
      await transport.close();
    });

    test('edge 1: the smallest queue never stalls, whatever is dropped', async ({ place }) => {
      const topic = await createTopic(place, 'tiny');
      const sizes = Array.from({ length: 120 }, (_, index) => (index % 7) * 40 + 1);
      const positions = await publishBatches(place, topic, sizes, { compression: 'lz4' });
      const transport = await subject.open(addressesOf(place));
      const after = positions[9] ?? BEFORE_ALL;
      const reader = await transport.openReader(topic, { after, maxBufferedBytes: 1 }, soon());
      const entries = await readEntries(reader, sizes.length - 10);
      expect(entries.map(({ position }) => position)).toEqual(positions.slice(10));
      await reader.close();
      await transport.close();
    });

    test('edges 2, 10 and 13: goes on after an unload, every entry once', async ({ place }) => {
      const topic = await createTopic(place, 'unload');
      const positions = await publishBatches(
        place,
        topic,
        Array.from({ length: 60 }, () => 10),
      );
      const transport = await subject.open(addressesOf(place));
      const reader = await transport.openReader(
        topic,
        { after: BEFORE_ALL, maxBufferedBytes: 2_000 },
        soon(),
      );
      const first = await readEntries(reader, 7);
      await place.admin('PUT', `persistent/${place.namespace}/unload/unload`);
      const more = await publishBatches(place, topic, [4, 4]);
      const rest = await readEntries(reader, positions.length - 7 + more.length);
      expect([...first, ...rest].map(({ position }) => formatPosition(position))).toEqual(
        [...positions, ...more].map(formatPosition),
      );
      await reader.close();
      await transport.close();
    });

    test('many readers of one partition do not disturb each other', async ({ place }) => {
      const topic = await createTopic(place, 'many');
      const positions = await publishBatches(
        place,
        topic,
        Array.from({ length: 20 }, () => 5),
      );
      const transport = await subject.open(addressesOf(place));
      const read = async (): Promise<readonly string[]> => {
        const reader = await transport.openReader(
          topic,
          { after: BEFORE_ALL, maxBufferedBytes: BUFFER },
          soon(),
        );
        const entries = await readEntries(reader, positions.length);
        await reader.close();
        return entries.map(({ position }) => formatPosition(position));
      };
      for (const found of await Promise.all([read(), read(), read()])) {
        expect(found).toEqual(positions.map(formatPosition));
      }
      await transport.close();
    });

    test('halts on a position of a newer ledger than the topic has', async ({ place }) => {
      const topic = await createTopic(place, 'unknown');
      const [first] = await publishBatches(place, topic, [1, 1]);
      const after = { ledger: (first?.ledger ?? 0) + 1_000, entry: 5 };
      const transport = await subject.open(addressesOf(place));
      const reader = await transport.openReader(topic, { after, maxBufferedBytes: BUFFER }, soon());
      const failure = expect.objectContaining({ code: 'PH_PULSAR_POSITION_UNKNOWN', kind: 'terminal' });
      await expect(readEntries(reader, 1)).rejects.toEqual(failure);
      // It stays halted: nothing passes by asking again.
      await expect(reader.next(10)).rejects.toEqual(failure);
      await reader.close();
      await transport.close();
    });

    test('a topic that does not exist is an error and is not created', async ({ place }) => {
      const transport = await subject.open(addressesOf(place));
      const topic = place.topic('absent');
      const missing = expect.objectContaining({ code: 'PH_PULSAR_TOPIC_NOT_FOUND', kind: 'terminal' });
      await expect(transport.partitions(topic, soon())).rejects.toEqual(missing);
      await expect(
        transport.openReader(topic, { after: BEFORE_ALL, maxBufferedBytes: BUFFER }, soon()),
      ).rejects.toEqual(missing);
      await expect(transport.lastPosition(topic, soon())).rejects.toEqual(missing);
      await expect(transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon())).rejects.toEqual(
        missing,
      );
      expect(await place.admin('GET', `persistent/${place.namespace}`)).toBe('[]');
      await transport.close();
    });
  });
}
