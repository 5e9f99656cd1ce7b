import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Permits } from '../../../lib/pulsar/wire/consumer/permits.ts';

describe('permits', () => {
  it('never run dry: whatever is dropped or taken, the broker may send again once its queue is empty', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 1_000_000 }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 200_000 })), {
          maxLength: 50,
        }),
        (maxBytes, entries) => {
          const permits = new Permits(maxBytes);
          let atBroker = permits.take();
          for (const [messages, bytes] of entries) {
            // Every entry sent has been taken here, so the broker must be allowed to send another one.
            expect(atBroker).toBeGreaterThan(0);
            atBroker -= messages;
            permits.giveBack(messages, bytes);
            atBroker += permits.take();
          }
        },
      ),
    );
  });

  it('follow the size of the messages', () => {
    const permits = new Permits(1_000_000);
    for (let entry = 0; entry < 200; entry++) permits.giveBack(1, 100_000);
    expect(permits.window).toBeLessThanOrEqual(10);
    for (let entry = 0; entry < 200; entry++) permits.giveBack(1_000, 100_000);
    expect(permits.window).toBeGreaterThan(9_000);
  });

  it('are granted anew to a new consumer, and no more than the window', () => {
    const permits = new Permits(1_000_000);
    const first = permits.take();
    expect(permits.take()).toBe(0);
    permits.reset();
    expect(permits.take()).toBe(first);
  });
});
