import { PulsehouseError } from '../../pipeline/errors.ts';
import { formatPosition, isAfter } from '../../pipeline/position.ts';
import type { EntryReader, Transport } from '../../ports/transport.ts';
import { hasOnlyMarkers } from '../admin/skipped-entries.ts';
import { TopicAdmin } from '../admin/topic-admin.ts';
import { topicCreatedAt } from '../admin/topic-facts.ts';
import { tokenAuthentication } from '../wire/net/authentication.ts';
import { loadBinding } from './binding.ts';
import { ClientPool } from './client.ts';
import type { PulsarClientOptions } from './options.ts';
import { ClientReader, type ReaderSurroundings } from './reader.ts';
import { ClientSession } from './session.ts';
import { ClientSubscription } from './subscription.ts';

/**
 * The official client behind the transport's port. Readers are non-durable `Reader`s; nothing of it is loaded
 * before this is called.
 * @throws PulsehouseError PH_PULSAR_CLIENT_MISSING, PH_PULSAR_ADMIN_NEEDED
 */
export async function createPulsarClientTransport(options: PulsarClientOptions): Promise<Transport> {
  const { adminUrl, token, readerPrefix, environment, log } = options;
  if (adminUrl === undefined) {
    throw new PulsehouseError(
      'PH_PULSAR_ADMIN_NEEDED',
      'pulsar-client tells neither whether a topic exists, nor its last position, nor a cursor: only the admin API does',
    );
  }
  const binding = await loadBinding(log);
  const access = {
    url: adminUrl,
    authentication: token === undefined ? undefined : tokenAuthentication(token),
    environment,
  };
  const admin = new TopicAdmin(access);
  const pool = new ClientPool(binding, options);
  const around = { binding, pool, admin, environment, readerPrefix };
  const open: ReaderSurroundings['open'] = (terms, deadline) => ClientSession.open(around, terms, deadline);
  const subscription = (topic: string, name: string) => new ClientSubscription(around, topic, name);
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
      const opened = new ClientReader(reader, { topic, admin, environment, open });
      // The client would wait for ever at a position that was never given out, and look drained.
      if (isAfter(reader.after, end)) {
        const [after, last] = [formatPosition(reader.after), formatPosition(end)];
        opened.fail(
          new PulsehouseError(
            'PH_PULSAR_POSITION_UNKNOWN',
            `reading was to go on after ${after}, and the topic ends with ${last}`,
            { where: { topic, position: after } },
          ),
        );
      } else await opened.begin(deadline);
      readers = [...readers.filter((one) => !one.closed), opened];
      return opened;
    },
    lastPosition: async (topic, deadline) => (await admin.stats(topic, deadline)).last,
    hasOnlyMarkers: (topic, after, deadline) => hasOnlyMarkers(admin, topic, after, deadline),
    ensureSubscription: (topic, name, initial, deadline) =>
      subscription(topic, name).ensure(initial, deadline),
    subscriptionState: (topic, name, deadline) => subscription(topic, name).find(deadline),
    acknowledge: (topic, name, position, deadline, check) =>
      subscription(topic, name).acknowledge(position, deadline, check),
    topicIdentity: (topic, deadline) => topicCreatedAt(access, log, topic, deadline),
    async close() {
      await Promise.all(readers.map((reader) => reader.close()));
      readers = [];
      await pool.close();
    },
  };
}
