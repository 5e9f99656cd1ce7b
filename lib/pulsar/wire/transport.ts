import type { Position } from '../../pipeline/position.ts';
import type { EntryReader, ReaderOptions, Transport } from '../../ports/transport.ts';
import { decodePartitionCount, encodePartitionMetadata } from './commands/partitions.ts';
import { type ConnectToOwner, WireReader } from './consumer/reader.ts';
import { Session } from './consumer/session.ts';
import { DurableSubscription } from './consumer/subscription.ts';
import { connectToOwner } from './net/lookup.ts';
import { ConnectionPool } from './net/pool.ts';
import type { WireOptions } from './options.ts';
import { isPassing, retrying } from './retry.ts';

/** Speaks Pulsar's binary protocol; no native code. @throws PulsehouseError PH_PULSAR_URL_INVALID */
export function createWireTransport(options: WireOptions): Transport {
  const { environment } = options;
  const pool = new ConnectionPool(options);
  const readers = new Set<WireReader>();
  const connect: ConnectToOwner = (topic, deadline) =>
    connectToOwner(pool, topic, options.listenerName, deadline);
  const subscription = (topic: string, name: string) =>
    new DurableSubscription(environment, connect, topic, name);

  return {
    async partitions(topic, deadline) {
      const count = await retrying(environment, deadline, isPassing, async () => {
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
      const opened = new WireReader(topic, reader, options, connect, (closed) => readers.delete(closed));
      await opened.open(deadline);
      readers.add(opened);
      return opened;
    },
    lastPosition: (topic, deadline): Promise<Position> =>
      retrying(environment, deadline, isPassing, async () => {
        const connection = await connect(topic, deadline);
        const session = await Session.open(
          connection,
          {
            topic,
            subscription: `pulsehouse-reader-${environment.uniqueId()}`,
            consumerName: 'pulsehouse',
            durable: false,
            start: { ledger: -1, entry: -1 },
            initial: 'earliest',
          },
          deadline,
        );
        try {
          const { last } = await session.lastMessageId(deadline);
          return last;
        } finally {
          await session.close(deadline);
        }
      }),
    ensureSubscription: (topic, name, initial, deadline) =>
      subscription(topic, name).ensure(initial, deadline),
    acknowledge: (topic, name, position, deadline, check) =>
      subscription(topic, name).acknowledge(position, deadline, check),
    topicIdentity: async () => undefined,
    async close() {
      await Promise.all([...readers].map((reader) => reader.close()));
      await pool.close();
    },
  };
}
