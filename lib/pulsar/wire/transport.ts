import { isPulsehouseError } from '../../pipeline/errors.ts';
import { BEFORE_ALL, type Position } from '../../pipeline/position.ts';
import { retry } from '../../ports/retry.ts';
import type { EntryReader, ReaderOptions, Transport } from '../../ports/transport.ts';
import { topicCreatedAt } from '../admin/topic-facts.ts';
import { decodePartitionCount, encodePartitionMetadata } from './commands/partitions.ts';
import type { TopicSchema } from './commands/schema.ts';
import { type ConnectToOwner, type ReadFromOwner, WireReader } from './consumer/reader.ts';
import { readerSession, Session } from './consumer/session.ts';
import { DurableSubscription } from './consumer/subscription.ts';
import { connectToOwner, findOwner } from './net/lookup.ts';
import { ConnectionPool } from './net/pool.ts';
import { adminAccess, type WireOptions } from './options.ts';
import { isPassing } from './passing.ts';
import { readSchema } from './schemas.ts';

/** The port, and what only this transport offers. */
export interface WireTransport extends Transport {
  /**
   * A topic's schema by the version that an entry carries, or its newest one; undefined when it has none.
   */
  schema(topic: string, version: Uint8Array | undefined, deadline: number): Promise<TopicSchema | undefined>;
}

/** Speaks Pulsar's binary protocol; no native code. @throws PulsehouseError PH_PULSAR_URL_INVALID */
export function createWireTransport(options: WireOptions): WireTransport {
  const { environment, log } = options;
  const pool = new ConnectionPool(options);
  let readers: readonly WireReader[] = [];
  const connect: ConnectToOwner = (topic, deadline) =>
    connectToOwner(pool, topic, options.listenerName, deadline);
  const readFrom: ReadFromOwner = async (topic, deadline) =>
    pool.forReader(await findOwner(pool, topic, options.listenerName, deadline), deadline);
  const subscription = (topic: string, name: string) =>
    new DurableSubscription(options, connect, topic, name);

  const askForLast = async (topic: string, deadline: number) => {
    const session = await Session.open(
      await connect(topic, deadline),
      readerSession(options, topic, BEFORE_ALL),
      deadline,
    );
    try {
      return await session.lastMessageId(deadline);
    } finally {
      await session.close(deadline);
    }
  };

  return {
    async partitions(topic, deadline) {
      const count = await retry(environment, { deadline, retryIf: isPassing }, async () => {
        const connection = await pool.toService(deadline);
        const answer = await connection.request(
          'PARTITIONED_METADATA',
          (id) => encodePartitionMetadata(topic, id),
          deadline,
        );
        return decodePartitionCount(answer.body);
      });
      return count === 0
        ? [topic]
        : Array.from({ length: count }, (_, index) => `${topic}-partition-${index}`);
    },
    async openReader(topic: string, reader: ReaderOptions, deadline: number): Promise<EntryReader> {
      const opened = new WireReader(topic, reader, options, readFrom, (closed) => {
        readers = readers.filter((reader) => reader !== closed);
      });
      await opened.open(deadline);
      readers = [...readers, opened];
      return opened;
    },
    async lastPosition(topic, deadline): Promise<Position> {
      // A consumer that is open already answers in one exchange instead of four.
      const { last } = await retry(environment, { deadline, retryIf: isPassing }, () => {
        const live = readers.find((reader) => reader.topic === topic)?.session;
        return live ? live.lastMessageId(deadline) : askForLast(topic, deadline);
      });
      return last.entry < 0 ? BEFORE_ALL : last;
    },
    async hasOnlyMarkers(topic, after, deadline) {
      const access = adminAccess(options);
      if (access === undefined) return undefined;
      // Loaded when a topic falls silent before its end.
      const { TopicAdmin } = await import('../admin/topic-admin.ts');
      const { hasOnlyMarkers } = await import('../admin/skipped-entries.ts');
      try {
        return await hasOnlyMarkers(new TopicAdmin(access), topic, after, deadline);
      } catch (error) {
        if (!isPulsehouseError(error)) throw error;
        log.debug('the admin API does not say what is left of a topic', { topic, error: error.message });
        return undefined;
      }
    },
    ensureSubscription: (topic, name, initial, deadline) =>
      subscription(topic, name).ensure(initial, deadline),
    subscriptionState: (topic, name, deadline) => subscription(topic, name).find(deadline),
    acknowledge: (topic, name, position, deadline, check) =>
      subscription(topic, name).acknowledge(position, deadline, check),
    async topicIdentity(topic, deadline) {
      const admin = adminAccess(options);
      return admin && topicCreatedAt(admin, log, topic, deadline);
    },
    schema: (topic, version, deadline) => readSchema(options, pool, topic, version, deadline),
    async close() {
      await Promise.all(readers.map((reader) => reader.close()));
      await pool.close();
    },
  };
}
