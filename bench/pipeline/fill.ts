import pLimit from 'p-limit';
import { reading } from '../../examples/iot/readings.ts';
import { publish } from '../../examples/support/publish.ts';
import { createTopic } from '../../examples/support/pulsar-admin.ts';
import type { Stack } from '../../infra/local/stack.ts';
import { systemEnvironment } from '../../lib/assembly/environment.ts';
import { createLog } from '../../lib/assembly/log.ts';
import type { WireOptions } from '../../lib/pulsar/wire/options.ts';
import { openProducer, type Producer } from '../../lib/pulsar/wire/producer.ts';
import type { Backlog } from './run-pipeline.ts';
import type { Shape } from './shapes.ts';

/** Single messages on their way to one partition at once. */
const UNCONFIRMED = 500;

/** Publishes a backlog of this shape on a topic of its own, which a subscription keeps. */
export async function fill(stack: Stack, name: string, shape: Shape, messages: number): Promise<Backlog> {
  const { partitions, perEntry, message = reading } = shape;
  const topic = `persistent://public/default/bench-${name}`;
  const serviceUrl = stack.environment['PULSAR_SERVICE_URL'] ?? '';
  const adminUrl = stack.environment['PULSAR_ADMIN_URL'] ?? '';
  await createTopic(adminUrl, topic, partitions);
  const topics = Array.from({ length: partitions }, (_, partition) => `${topic}-partition-${partition}`);
  for (const one of topics) await keep(adminUrl, one);
  const wire = { serviceUrl, adminUrl, environment: systemEnvironment, log: createLog() };
  if (perEntry !== undefined) await publish(wire, { topics, first: 0, messages, perEntry, message });
  else await publishSingles(wire, topics, messages, message);
  return { topic, partitions, messages };
}

/** Without a subscription nothing would keep the backlog. */
async function keep(adminUrl: string, topic: string): Promise<void> {
  const path = topic.replace('persistent://', 'persistent/');
  const answer = await fetch(`${adminUrl}/admin/v2/${path}/subscription/keep`, { method: 'PUT' });
  if (!answer.ok) throw new Error(`the admin API answered ${answer.status} to a subscription on ${topic}`);
}

/** Not compressed, as by a client with its defaults and batching off. */
async function publishSingles(
  wire: WireOptions,
  topics: readonly string[],
  messages: number,
  message: (index: number, now: number) => Uint8Array,
): Promise<void> {
  const producers = await Promise.all(topics.map((topic) => openProducer(wire, topic)));
  try {
    const limit = pLimit(UNCONFIRMED * topics.length);
    const numbers = Array.from({ length: messages }, (_, index) => index);
    await limit.map(numbers, (index) =>
      (producers[index % producers.length] as Producer).send({
        payload: message(index, wire.environment.now()),
      }),
    );
  } finally {
    await Promise.all(producers.map((producer) => producer.close()));
  }
}
