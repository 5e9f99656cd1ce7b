import { describe, expect } from 'vitest';
import { BEFORE_ALL } from '../../../lib/pipeline/position.ts';
import { test } from '../../support/place.ts';
import {
  addressesOf,
  createTopic,
  publishBatches,
  readEntries,
  soon,
  type TransportUnderTest,
} from './transport-under-test.ts';

const CYCLES = 1_000;

/** Sockets and timers that would keep the process alive. */
function liveResources(): readonly string[] {
  return process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Timeout/.test(name));
}

export function lifecycleContract(subject: TransportUnderTest): void {
  describe(`${subject.name}: opening and closing`, () => {
    test('edge 15: a thousand cycles leave nothing behind', { timeout: 600_000 }, async ({ place }) => {
      const topic = await createTopic(place, 'cycles');
      await publishBatches(place, topic, [1]);
      const before = liveResources().length;
      const transport = await subject.open(addressesOf(place));
      // A topic without any is deleted after a minute, and slow cycles take longer.
      await transport.ensureSubscription(topic, 'hold', { at: 'earliest' }, soon());
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        const reader = await transport.openReader(
          topic,
          { after: BEFORE_ALL, maxBufferedBytes: 1_000 },
          soon(),
        );
        if (cycle % 100 === 0) await readEntries(reader, 1);
        await reader.close();
        await reader.close();
      }
      const subscriptions = await place.admin('GET', `persistent/${place.namespace}/cycles/subscriptions`);
      expect(subscriptions).toBe('["hold"]');
      await transport.close();
      await transport.close();
      await expect.poll(() => liveResources().length).toBeLessThanOrEqual(before);
    });

    test('fifty transports leave no socket and no timer', async ({ place }) => {
      const topic = await createTopic(place, 'transports');
      const before = liveResources().length;
      for (let cycle = 0; cycle < 50; cycle++) {
        const transport = await subject.open(addressesOf(place));
        await transport.lastPosition(topic, soon());
        await transport.close();
      }
      await expect.poll(() => liveResources().length).toBeLessThanOrEqual(before);
    });

    test('closing ends a reader that waits', async ({ place }) => {
      const topic = await createTopic(place, 'waiting');
      const transport = await subject.open(addressesOf(place));
      const reader = await transport.openReader(
        topic,
        { after: BEFORE_ALL, maxBufferedBytes: 1_000 },
        soon(),
      );
      const waiting = reader.next(60_000);
      await transport.close();
      expect(await waiting).toBeUndefined();
    });
  });
}
