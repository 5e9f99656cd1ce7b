import { expect } from 'vitest';
import { consume } from '../../../lib/consume/consume.ts';
import type { Sink } from '../../../lib/ports/sink.ts';
import type { WireOptions } from '../../../lib/pulsar/wire/options.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { addressesOf, wireOptions } from '../../contract/transport/transport-under-test.ts';
import { type Place, test } from '../../support/place.ts';
import { FaultProxy } from '../pulsar/fault-proxy.ts';
import { openPayloads, type Payloads } from './subject.ts';

const MIB = 1024 * 1024;
const CHUNK = 4 * MIB;

const open = (place: Place): Promise<Payloads> =>
  openPayloads(place, {
    fields: { id: 'UInt64', text: 'String' },
    columns: { id: 'id', length: 'length(text)', hash: 'cityHash64(text)' },
    table: 'id UInt64, length UInt64, hash UInt64',
  });

const message = (id: number, text: string) => ({ payload: Buffer.from(JSON.stringify({ id, text })) });

function fiveMinutesAgo(place: Place): WireOptions['environment'] {
  return { ...wireOptions(addressesOf(place)).environment, now: () => Date.now() - 5 * 60_000 };
}

async function topicOf({ ports, pipeline }: Payloads): Promise<string> {
  const [topic = ''] = await ports.transport.partitions(pipeline.topic, Date.now() + 30_000);
  return topic;
}

/** The first chunk of a message whose producer dies then. */
async function publishOrphan(place: Place, topic: string, more: Partial<WireOptions> = {}): Promise<void> {
  const proxy = await FaultProxy.open(addressesOf(place).serviceUrl);
  let sent = 0;
  proxy.decide = ({ command }) => {
    if (command !== 'send') return 'pass';
    sent += 1;
    return sent === 1 ? 'pass' : 'cut';
  };
  const wire = { ...wireOptions(addressesOf(place)), ...more, serviceUrl: proxy.serviceUrl };
  const producer = await openProducer(wire, topic, { chunkSize: 100 });
  await expect(producer.send(message(999, 'x'.repeat(300)))).rejects.toThrow();
  await producer.close().catch(() => undefined);
  await proxy.close();
}

test('a message whose producer died between its chunks is a dead letter, and what others published behind it is stored', async ({
  place,
}) => {
  const subject = await open(place);
  const topic = await topicOf(subject);
  await publishOrphan(place, topic, { environment: fiveMinutesAgo(place) });
  const producer = await openProducer(wireOptions(addressesOf(place)), topic);
  for (let id = 0; id < 100; id += 1) await producer.send(message(id, 'single'));
  await producer.close();
  expect(await subject.consume()).toMatchObject({
    outcome: 'drained',
    messages: 101,
    rows: 100,
    deadLetters: 1,
  });
  expect(await subject.rows('count(), max(id)')).toBe('100\t99\n');
  expect(await subject.audit()).toMatchObject({ exact: true });
  await subject.close();
});

test('a topic that ends within a message is not called drained while its producer may go on', async ({
  place,
}) => {
  const subject = await open(place);
  await publishOrphan(place, await topicOf(subject));
  await subject.publish([JSON.stringify({ id: 1, text: 'behind it' })]);
  expect(await subject.consume()).toMatchObject({ outcome: 'stalled', rows: 0, deadLetters: 0 });
  await subject.close();
});

test('a topic that ends within a message that nobody goes on with is drained, and what lies behind it is stored', async ({
  place,
}) => {
  const subject = await open(place);
  const topic = await topicOf(subject);
  const wire = { ...wireOptions(addressesOf(place)), environment: fiveMinutesAgo(place) };
  await publishOrphan(place, topic, wire);
  const producer = await openProducer(wire, topic);
  await producer.send(message(1, 'behind it'));
  await producer.close();
  expect(await subject.consume()).toMatchObject({ outcome: 'drained', rows: 1, deadLetters: 1 });
  expect(await subject.audit()).toMatchObject({ exact: true });
  await subject.close();
});

test('a chunked message of 40 MiB is stored, also by the successor of a consumer that was killed before it committed', async ({
  place,
}) => {
  const subject = await open(place);
  const topic = await topicOf(subject);
  const text = Buffer.alloc(40 * MIB, 'abcdefghijklmnopqrstuvwxyz0123456789').toString();
  const options = { chunkSize: CHUNK };
  const [large, other] = await Promise.all([
    openProducer(wireOptions(addressesOf(place)), topic, options),
    openProducer(wireOptions(addressesOf(place)), topic, options),
  ]);
  const stored = Promise.all([
    large?.send(message(1, text)),
    other?.send(message(2, text.slice(0, 9 * MIB))),
  ]);
  await other?.send(message(3, 'between'));
  await stored;
  await Promise.all([large?.close(), other?.close()]);

  // Whoever intends the batch dies there: nothing of it is ever sent.
  const { dependencies } = subject;
  const never = () => new Promise<never>(() => undefined);
  const sink: Sink = new Proxy<Sink>(dependencies.sink, { get: spyOn('insert', never) });
  const killed = { ...dependencies, sink };
  const owner = { partition: 0, until: 'drained' as const };
  void consume(killed, { ...owner, owner: 'killed', deadline: Date.now() + 8_000 }).catch(() => undefined);
  await expect
    .poll(
      async () =>
        (await dependencies.state.readPartition(subject.pipeline.name, 0, Date.now() + 10_000))?.inFlight
          .length,
      { timeout: 60_000, interval: 200 },
    )
    .toBe(1);

  await expect
    .poll(() => subject.consume(), { timeout: 60_000, interval: 1_000 })
    .toMatchObject({ outcome: 'drained', messages: 3, rows: 3 });
  expect(await subject.rows('id, length', 'ORDER BY id')).toBe(`1\t${40 * MIB}\n2\t${9 * MIB}\n3\t7\n`);
  expect(await subject.audit()).toMatchObject({ exact: true });
  await subject.close();
});

function spyOn(name: string, instead: () => unknown) {
  return (target: object, key: string | symbol): unknown => {
    if (key === name) return instead;
    const member: unknown = Reflect.get(target, key);
    return typeof member === 'function' ? member.bind(target) : member;
  };
}
