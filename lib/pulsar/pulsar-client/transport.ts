import { devNull } from 'node:os';
import { PulsehouseError } from '../../pipeline/errors.ts';
import type { EntryReader, ReaderOptions, Transport } from '../../ports/transport.ts';
import { topicFacts } from '../wire/admin.ts';
import { tokenAuthentication } from '../wire/net/authentication.ts';
import { type Binding, loadBinding } from './binding.ts';
import { newClient, settled } from './client.ts';
import { encodePosition } from './message-id.ts';
import type { PulsarClientOptions } from './options.ts';
import { ClientReader } from './reader.ts';
import { ClientSubscription } from './subscription.ts';
import { TopicAdmin } from './topic-admin.ts';

/** Messages that the client itself holds for a reader: fewer when little may be buffered. */
const QUEUE = { most: 1_000, bytesEach: 16 * 1024 } as const;

/**
 * The official client behind the transport's port. Readers are non-durable `Reader`s, one client each; nothing of it is
 * loaded before this is called.
 * @throws PulsehouseError PH_PULSAR_CLIENT_MISSING, PH_PULSAR_ADMIN_NEEDED
 */
export async function createPulsarClientTransport(options: PulsarClientOptions): Promise<Transport> {
  const { adminUrl, token, environment, log } = options;
  if (adminUrl === undefined) {
    throw new PulsehouseError(
      'PH_PULSAR_ADMIN_NEEDED',
      'pulsar-client tells neither whether a topic exists, nor its last position, nor a cursor: only the admin API does',
    );
  }
  const binding = await loadBinding(log);
  const currentToken = typeof token === 'string' ? async () => token : token;
  const admin = new TopicAdmin({ url: adminUrl, token: currentToken, environment });
  const authentication = currentToken && tokenAuthentication(currentToken);
  const subscription = (topic: string, name: string) =>
    new ClientSubscription(binding, options, admin, topic, name);
  let readers: readonly ClientReader[] = [];

  return {
    async partitions(topic, deadline) {
      const count = await admin.partitionCount(topic, deadline);
      if (count > 0) return Array.from({ length: count }, (_, index) => `${topic}-partition-${index}`);
      await admin.stats(topic, deadline);
      return [topic];
    },
    async openReader(topic, reader, deadline): Promise<EntryReader> {
      // Asked first, as the client would create a topic that is missing.
      const { end } = await admin.stats(topic, deadline);
      const opened = new ClientReader(reader, { topic, admin, environment });
      if (opened.canBegin(end)) await open(binding, options, opened, topic, reader, deadline);
      readers = [...readers.filter((one) => !one.closed), opened];
      return opened;
    },
    lastPosition: async (topic, deadline) => (await admin.stats(topic, deadline)).last,
    ensureSubscription: (topic, name, initial, deadline) =>
      subscription(topic, name).ensure(initial, deadline),
    acknowledge: (topic, name, position, deadline, check) =>
      subscription(topic, name).acknowledge(position, deadline, check),
    topicIdentity: async (topic, deadline) =>
      (await topicFacts({ ...options, authentication }, topic, deadline))?.createdAt,
    async close() {
      await Promise.all(readers.map((reader) => reader.close()));
      readers = [];
    },
  };
}

async function open(
  binding: Binding,
  options: PulsarClientOptions,
  opened: ClientReader,
  topic: string,
  { after, maxBufferedBytes }: ReaderOptions,
  deadline: number,
): Promise<void> {
  const { environment } = options;
  const client = newClient(binding, options, deadline);
  try {
    const reader = await settled(
      client.createReader({
        topic,
        // What the client delivers before its promise of a reader resolves, it loses: so the reader begins where
        // nothing comes, and goes to its place afterwards.
        startMessageId: binding.MessageId.latest(),
        receiverQueueSize: Math.max(1, Math.min(QUEUE.most, Math.floor(maxBufferedBytes / QUEUE.bytesEach))),
        readerName: 'pulsehouse',
        subscriptionRolePrefix: 'pulsehouse-reader',
        listener: (message) => opened.onMessage(message),
        // Otherwise the client skips encrypted messages without a word; no key can be read from here.
        privateKeyPath: devNull,
        cryptoFailureAction: 'CONSUME',
      }),
      environment,
      deadline,
      { topic },
    );
    // Delivers this entry again when it is a batch and begins above it when it is not: what is not above is dropped.
    const start =
      after.ledger < 0 ? binding.MessageId.earliest() : binding.MessageId.deserialize(encodePosition(after));
    await settled(reader.seek(start), environment, deadline, { topic });
    opened.begin(client, reader);
  } catch (error) {
    await client.close();
    throw error;
  }
}
