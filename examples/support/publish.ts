import pLimit from 'p-limit';
import type { WireOptions } from '../../lib/pulsar/wire/options.ts';
import { openProducer, type Producer } from '../../lib/pulsar/wire/producer.ts';
import { reading } from '../iot/readings.ts';

export interface Publication {
  readonly topics: readonly string[];
  /** Number of the first reading, and how many; they go to the topics in turn, an entry at a time. */
  readonly first: number;
  readonly messages: number;
  readonly perEntry: number;
  /** The n-th message, sent at `now` (ms since the epoch). @default `reading` */
  readonly message?: (index: number, now: number) => Uint8Array;
  readonly onPublished?: (messages: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Entries on their way to one partition at once. */
const UNCONFIRMED = 8;

/** Publishes readings as LZ4 batches and resolves when the broker has stored all of them. */
export async function publish(wire: WireOptions, publication: Publication): Promise<void> {
  const { topics, first, messages, perEntry, message = reading, onPublished, signal } = publication;
  const producers = await Promise.all(
    topics.map((topic) => openProducer(wire, topic, { compression: 'lz4' })),
  );
  try {
    const limit = pLimit(UNCONFIRMED * topics.length);
    const starts = Array.from({ length: Math.ceil(messages / perEntry) }, (_, entry) => entry * perEntry);
    await limit.map(starts, async (start, entry) => {
      signal?.throwIfAborted();
      const count = Math.min(perEntry, messages - start);
      await (producers[entry % producers.length] as Producer).sendBatch(
        readings(wire, message, first + start, count),
      );
      onPublished?.(count);
    });
  } finally {
    await Promise.all(producers.map((producer) => producer.close()));
  }
}

function readings(
  wire: WireOptions,
  message: (index: number, now: number) => Uint8Array,
  first: number,
  count: number,
) {
  const now = wire.environment.now();
  return Array.from({ length: count }, (_, index) => ({ payload: message(first + index, now) }));
}
