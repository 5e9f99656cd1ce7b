import { describe, expect } from 'vitest';
import { BEFORE_ALL } from '../../../lib/pipeline/position.ts';
import { test } from '../../support/place.ts';
import {
  addressesOf,
  createTopic,
  payloadsOf,
  publishBatches,
  readEntries,
  soon,
  type TransportUnderTest,
} from './transport-under-test.ts';

export function partitionsContract(subject: TransportUnderTest): void {
  describe(`${subject.name}: partitions`, () => {
    test('a topic that is not partitioned is one partition of its own name', async ({ place }) => {
      const topic = await createTopic(place, 'one');
      const transport = await subject.open(addressesOf(place));
      expect(await transport.partitions(topic, soon())).toEqual([topic]);
      await transport.close();
    });

    test('edge 12: partitions added later are found, and read from their beginning', async ({ place }) => {
      const topic = await createTopic(place, 'growing', 3);
      const transport = await subject.open(addressesOf(place));
      expect(await transport.partitions(topic, soon())).toEqual(
        [0, 1, 2].map((n) => `${topic}-partition-${n}`),
      );
      await place.admin('POST', `persistent/${place.namespace}/growing/partitions`, 4);
      const added = `${topic}-partition-3`;
      await publishBatches(place, added, [2]);
      expect(await transport.partitions(topic, soon())).toContain(added);
      const made = await transport.ensureSubscription(added, 's', { at: 'earliest' }, soon());
      expect(made.markDelete.entry).toBe(-1);
      const reader = await transport.openReader(
        added,
        { after: BEFORE_ALL, maxBufferedBytes: 1_000 },
        soon(),
      );
      const [entry] = await readEntries(reader, 1);
      expect(entry && payloadsOf(entry)).toEqual(['0.0', '0.1']);
      await reader.close();
      await transport.close();
    });

    test('edge 11: the last position is that of the last entry, and before all of an empty partition', async ({
      place,
    }) => {
      const topic = await createTopic(place, 'last');
      const transport = await subject.open(addressesOf(place));
      expect(await transport.lastPosition(topic, soon())).toEqual(BEFORE_ALL);
      const [, last] = await publishBatches(place, topic, [3, 5]);
      expect(await transport.lastPosition(topic, soon())).toEqual(last);
      const reader = await transport.openReader(
        topic,
        { after: last ?? BEFORE_ALL, maxBufferedBytes: 1_000 },
        soon(),
      );
      expect(await transport.lastPosition(topic, soon())).toEqual(last);
      await reader.close();
      await place.admin('PUT', `persistent/${place.namespace}/last/unload`);
      expect(await transport.lastPosition(topic, soon())).toEqual(last);
      await transport.close();
    });

    test('edge 11: with everything acknowledged and trimmed there is nothing left to read up to', async ({
      place,
    }) => {
      const topic = await createTopic(place, 'trimmed');
      const transport = await subject.open(addressesOf(place));
      await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
      const [last] = await publishBatches(place, topic, [3]);
      await transport.acknowledge(topic, 's', last ?? BEFORE_ALL, soon(), () => {});
      let polls = 0;
      const lastOnceTrimmed = async () => {
        // A topic that was loaded before its last unload was written keeps its ledger however often it is trimmed.
        if (polls++ % 10 === 0) await place.admin('PUT', `persistent/${place.namespace}/trimmed/unload`);
        await place.admin('POST', `persistent/${place.namespace}/trimmed/trim`);
        return transport.lastPosition(topic, soon());
      };
      await expect.poll(lastOnceTrimmed, { interval: 1_000 }).toEqual(BEFORE_ALL);
      // Its ledger is gone; the reader that stands there goes on with what comes next.
      const reader = await transport.openReader(
        topic,
        { after: last ?? BEFORE_ALL, maxBufferedBytes: 1_000 },
        soon(),
      );
      const [next] = await publishBatches(place, topic, [1]);
      expect((await readEntries(reader, 1))[0]?.position).toEqual(next);
      await reader.close();
      await transport.close();
    });
  });
}
