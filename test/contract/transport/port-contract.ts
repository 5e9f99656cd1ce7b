import { afterEach, describe, expect, it } from 'vitest';
import { BEFORE_ALL, formatPosition, type Position } from '../../../lib/pipeline/position.ts';
import type { Entry, EntryReader, Transport } from '../../../lib/ports/transport.ts';

/** A new, empty topic of one partition, and what is done to it from outside. */
export interface TopicSubject {
  readonly transport: Transport;
  readonly topic: string;
  deadline(): number;
  /** One entry of as many messages for each size; answers where they stand. */
  publish(sizes: readonly number[]): Promise<readonly Position[]>;
  unload(): Promise<void>;
}

const BUFFER = 1_000_000;
const startOf = (position: Position | undefined): Position => ({ ledger: position?.ledger ?? 0, entry: -1 });

/** What every Transport promises to the protocol, whatever broker stands behind it, a simulated one included. */
export function transportContract(name: string, openSubject: () => Promise<TopicSubject>): void {
  describe(`${name}: the port`, () => {
    const opened: TopicSubject[] = [];
    const open = async (): Promise<TopicSubject> => {
      const subject = await openSubject();
      opened.push(subject);
      return subject;
    };
    afterEach(async () => {
      for (const { transport } of opened.splice(0)) await transport.close();
    });

    it('gives every entry above a position, in order and once', async () => {
      const { transport, topic, deadline, publish } = await open();
      const positions = await publish([2, 1, 4]);
      for (const [index, after] of [BEFORE_ALL, ...positions].entries()) {
        const reader = await transport.openReader(topic, { after, maxBufferedBytes: BUFFER }, deadline());
        const entries = await read(reader, positions.length - index);
        expect(entries.map(({ position }) => position)).toEqual(positions.slice(index));
        expect(await reader.next(20)).toBeUndefined();
        await reader.close();
      }
    });

    it('goes on after an unload with what follows, every entry once', async () => {
      const { transport, topic, deadline, publish, unload } = await open();
      const positions = [...(await publish([1, 1, 1]))];
      const reader = await transport.openReader(
        topic,
        { after: BEFORE_ALL, maxBufferedBytes: BUFFER },
        deadline(),
      );
      const entries = [...(await read(reader, 2))];
      await unload();
      positions.push(...(await publish([3, 1])));
      entries.push(...(await read(reader, 3)));
      expect(entries.map(({ position }) => formatPosition(position))).toEqual(positions.map(formatPosition));
      await reader.close();
    });

    it('says what is last, and before all of a topic with nothing in it', async () => {
      const { transport, topic, deadline, publish } = await open();
      expect(await transport.lastPosition(topic, deadline())).toEqual(BEFORE_ALL);
      const [, last] = await publish([1, 2]);
      expect(await transport.lastPosition(topic, deadline())).toEqual(last);
    });

    it('says that nothing is left above the last entry, and that something is below it', async () => {
      const { transport, topic, deadline, publish } = await open();
      const [first, last] = await publish([1, 2]);
      expect(await transport.hasOnlyMarkers(topic, last ?? BEFORE_ALL, deadline())).toBe(true);
      expect(await transport.hasOnlyMarkers(topic, first ?? BEFORE_ALL, deadline())).toBe(false);
    });

    it('refuses to read on from a ledger newer than any the topic has', async () => {
      const { transport, topic, deadline, publish } = await open();
      const [first] = await publish([1]);
      const after = { ledger: (first?.ledger ?? 0) + 1_000, entry: 5 };
      const reader = await transport.openReader(topic, { after, maxBufferedBytes: BUFFER }, deadline());
      await expect(read(reader, 1)).rejects.toMatchObject({ code: 'PH_PULSAR_POSITION_UNKNOWN' });
      await reader.close();
    });

    it('makes a subscription once, and acknowledges it cumulatively over unloads', async () => {
      const { transport, topic, deadline, publish, unload } = await open();
      const [first, second, last] = await publish([1, 1, 1]);
      const made = await transport.ensureSubscription(topic, 's', { at: 'earliest' }, deadline());
      expect(made).toEqual({ markDelete: startOf(first), last });
      expect(await transport.ensureSubscription(topic, 's', { at: 'latest' }, deadline())).toEqual(made);
      const found = await transport.acknowledge(topic, 's', second ?? BEFORE_ALL, deadline(), () => {});
      expect(found).toEqual(made);
      const told = await transport.ensureSubscription(topic, 's', { at: 'earliest' }, deadline());
      expect(told).toEqual({ markDelete: second, last });
      // A broker writes cursors down a little later than it gives receipts: an unload at once may take the cursor back.
      await unload();
      const after = await transport.ensureSubscription(topic, 's', { at: 'earliest' }, deadline());
      expect([startOf(first), second]).toContainEqual(after.markDelete);
      await transport.acknowledge(topic, 's', second ?? BEFORE_ALL, deadline(), () => {});
      expect(await transport.ensureSubscription(topic, 's', { at: 'earliest' }, deadline())).toEqual(told);
    });

    it('says what stands of a subscription, and makes none by that', async () => {
      const { transport, topic, deadline, publish } = await open();
      const [first, last] = await publish([1, 1]);
      expect(await transport.subscriptionState(topic, 's', deadline())).toBeUndefined();
      expect(await transport.subscriptionState(topic, 's', deadline())).toBeUndefined();
      const made = await transport.ensureSubscription(topic, 's', { at: 'latest' }, deadline());
      expect(made).toEqual({ markDelete: last, last });
      expect(await transport.subscriptionState(topic, 's', deadline())).toEqual(made);
      expect(first).not.toEqual(last);
    });

    it('acknowledges nothing when the check objects, and lets the next one connect', async () => {
      const { transport, topic, deadline, publish } = await open();
      const [first] = await publish([1]);
      const made = await transport.ensureSubscription(topic, 's', { at: 'earliest' }, deadline());
      const objecting = transport.acknowledge(topic, 's', first ?? BEFORE_ALL, deadline(), () => {
        throw new Error('moved by somebody else');
      });
      await expect(objecting).rejects.toThrow('moved by somebody else');
      const found = await transport.acknowledge(topic, 's', first ?? BEFORE_ALL, deadline(), () => {});
      expect(found).toEqual(made);
    });

    it('never makes a subscription by acknowledging', async () => {
      const { transport, topic, deadline, publish } = await open();
      const [first] = await publish([1]);
      const acknowledging = transport.acknowledge(topic, 's', first ?? BEFORE_ALL, deadline(), () => {});
      await expect(acknowledging).rejects.toMatchObject({ code: 'PH_PULSAR_SUBSCRIPTION_MISSING' });
    });
  });
}

async function read(reader: EntryReader, count: number): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (let waits = 0; entries.length < count && waits < 60; ) {
    const entry = reader.poll() ?? (await reader.next(1_000));
    if (entry === undefined) waits += 1;
    else entries.push(entry);
  }
  return entries;
}
