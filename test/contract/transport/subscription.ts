import { describe, expect } from 'vitest';
import { BEFORE_ALL, type Position } from '../../../lib/pipeline/position.ts';
import { test } from '../../support/place.ts';
import {
  addressesOf,
  createTopic,
  publish,
  publishBatches,
  soon,
  type TransportUnderTest,
} from './transport-under-test.ts';

/** `ledger:-1` is the broker's way to say "before the first entry of this ledger". */
const startOfLedger = (position: Position | undefined): Position => ({
  ledger: position?.ledger ?? 0,
  entry: -1,
});
const noCheck = (): void => {};

export function subscriptionContract(subject: TransportUnderTest): void {
  describe(`${subject.name}: the durable subscription`, () => {
    test('is created at earliest, and an existing one is left as it is', async ({ place }) => {
      const topic = await createTopic(place, 'earliest');
      const positions = await publishBatches(place, topic, [1, 1, 1]);
      const transport = await subject.open(addressesOf(place));
      const last = positions[2];
      const made = await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
      expect(made).toEqual({ markDelete: startOfLedger(last), last });
      const found = await transport.ensureSubscription(topic, 's', { at: 'latest' }, soon());
      expect(found).toEqual(made);
      await transport.close();
    });

    test('is created at latest: what is there counts as read', async ({ place }) => {
      const topic = await createTopic(place, 'latest');
      const [, last] = await publishBatches(place, topic, [1, 1]);
      const transport = await subject.open(addressesOf(place));
      const made = await transport.ensureSubscription(topic, 's', { at: 'latest' }, soon());
      expect(made).toEqual({ markDelete: last, last });
      await transport.close();
    });

    test('is created at a position: what is at or below it counts as read', async ({ place }) => {
      const topic = await createTopic(place, 'position');
      const [, second, last] = await publishBatches(place, topic, [1, 4, 1]);
      const transport = await subject.open(addressesOf(place));
      const initial = { at: 'position', position: second ?? BEFORE_ALL } as const;
      expect(await transport.ensureSubscription(topic, 's', initial, soon())).toEqual({
        markDelete: second,
        last,
      });
      await transport.close();
    });

    test('edge 6: is created at a time, by a seek that closes the consumer: what was published before it counts as read', async ({
      place,
    }) => {
      const topic = await createTopic(place, 'time');
      const { first, publishTime } = await publish(place, topic, async (producer) => {
        const early = await producer.send({ payload: Buffer.from('early') });
        await new Promise((resolve) => setTimeout(resolve, 20));
        const between = Date.now();
        await producer.send({ payload: Buffer.from('late') });
        return { first: early, publishTime: between };
      });
      const transport = await subject.open(addressesOf(place));
      const made = await transport.ensureSubscription(topic, 's', { at: 'time', publishTime }, soon());
      expect(made.markDelete).toEqual(first);
      await transport.close();
    });

    test('edges 5, 8 and 14: an acknowledgement is whole entries and confirmed, and may be given again after an unload', async ({
      place,
    }) => {
      const topic = await createTopic(place, 'acknowledge');
      const [first, second, last] = await publishBatches(place, topic, [10, 10, 10]);
      const transport = await subject.open(addressesOf(place));
      await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
      const seen: unknown[] = [];
      await transport.acknowledge(topic, 's', first ?? BEFORE_ALL, soon(), (found) => seen.push(found));
      await transport.acknowledge(topic, 's', second ?? BEFORE_ALL, soon(), (found) => seen.push(found));
      expect(seen).toEqual([
        { markDelete: startOfLedger(first), last },
        { markDelete: first, last },
      ]);
      await place.admin('PUT', `persistent/${place.namespace}/acknowledge/unload`);
      // Cursors are written down a little later than receipts are given: an unload at once may take one back.
      const after = await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
      expect([startOfLedger(first), first, second]).toContainEqual(after.markDelete);
      await transport.acknowledge(topic, 's', second ?? BEFORE_ALL, soon(), () => undefined);
      const state = await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
      expect(state).toEqual({ markDelete: second, last });
      const stats = JSON.parse(await place.admin('GET', `persistent/${place.namespace}/acknowledge/stats`));
      expect(stats.subscriptions.s).toMatchObject({ nonContiguousDeletedMessagesRanges: 0, consumers: [] });
      await transport.close();
    });

    test('edge 9: nothing is acknowledged when the check objects', async ({ place }) => {
      const topic = await createTopic(place, 'objection');
      const [first] = await publishBatches(place, topic, [1]);
      const transport = await subject.open(addressesOf(place));
      const made = await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
      const refuse = (): never => {
        throw new Error('moved by somebody else');
      };
      await expect(transport.acknowledge(topic, 's', first ?? BEFORE_ALL, soon(), refuse)).rejects.toThrow(
        'moved by',
      );
      expect(await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon())).toEqual(made);
      await transport.close();
    });

    test('is never created by acknowledging, not even on a topic created again under its name', async ({
      place,
    }) => {
      const topic = await createTopic(place, 'again');
      const [first] = await publishBatches(place, topic, [1]);
      const transport = await subject.open(addressesOf(place));
      await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
      await place.admin('DELETE', `persistent/${place.namespace}/again?force=true`);
      await createTopic(place, 'again');
      await expect(transport.acknowledge(topic, 's', first ?? BEFORE_ALL, soon(), noCheck)).rejects.toEqual(
        expect.objectContaining({ code: 'PH_PULSAR_SUBSCRIPTION_MISSING', kind: 'terminal' }),
      );
      expect(await place.admin('GET', `persistent/${place.namespace}/again/subscriptions`)).toBe('[]');
      await transport.close();
    });

    test('tells a topic from another one created again under its name', async ({ place }) => {
      const topic = await createTopic(place, 'identity');
      const transport = await subject.open(addressesOf(place));
      const identity = await transport.topicIdentity(topic, soon());
      await place.admin('PUT', `persistent/${place.namespace}/identity/unload`);
      expect(await transport.topicIdentity(topic, soon())).toBe(identity);
      await place.admin('DELETE', `persistent/${place.namespace}/identity?force=true`);
      await createTopic(place, 'identity');
      expect(identity).toBeDefined();
      expect(await transport.topicIdentity(topic, soon())).not.toBe(identity);
      await transport.close();
    });
  });
}
