import { describe, expect } from 'vitest';
import { BEFORE_ALL, formatPosition } from '../../../lib/pipeline/position.ts';
import type { EntryReader, Transport } from '../../../lib/ports/transport.ts';
import { COMMAND, encodeCommand } from '../../../lib/pulsar/wire/commands/command.ts';
import { PING } from '../../../lib/pulsar/wire/commands/connect.ts';
import { commandFrame } from '../../../lib/pulsar/wire/frame/frame-writer.ts';
import { connectToOwner } from '../../../lib/pulsar/wire/net/lookup.ts';
import { ConnectionPool } from '../../../lib/pulsar/wire/net/pool.ts';
import type { WireOptions } from '../../../lib/pulsar/wire/options.ts';
import { MessageWriter } from '../../../lib/pulsar/wire/protobuf/fields.ts';
import { createWireTransport } from '../../../lib/pulsar/wire/transport.ts';
import {
  addressesOf,
  createTopic,
  publish,
  publishBatches,
  readEntries,
  soon,
  wireOptions,
} from '../../contract/transport/transport-under-test.ts';
import { type Place, test as withPlace } from '../../support/place.ts';
import { FaultProxy, type Passing } from './fault-proxy.ts';

const ENTRIES = 40;

interface Faulty {
  readonly proxy: FaultProxy;
  readonly transport: Transport;
}

async function through(place: Place, more: Partial<WireOptions> = {}): Promise<Faulty> {
  const addresses = addressesOf(place);
  const proxy = await FaultProxy.open(addresses.serviceUrl);
  const options = { ...wireOptions(addresses), serviceUrl: proxy.serviceUrl, ...more };
  return { proxy, transport: createWireTransport(options) };
}

const test = withPlace.extend<{ faulty: Faulty }>({
  faulty: async ({ place }, use) => {
    const faulty = await through(place);
    await use(faulty);
    await faulty.transport.close();
    await faulty.proxy.close();
  },
});

/** True for the n-th call (from 1) that matches, once. */
function nth(count: number, matches: (passing: Passing) => boolean): (passing: Passing) => boolean {
  let seen = 0;
  return (passing) => matches(passing) && ++seen === count;
}

const of = (from: Passing['from'], command: Passing['command']) => (passing: Passing) =>
  passing.from === from && passing.command === command;

async function open(transport: Transport, topic: string, maxBufferedBytes = 1_000): Promise<EntryReader> {
  return transport.openReader(topic, { after: BEFORE_ALL, maxBufferedBytes }, soon());
}

describe('edge 2: a connection lost at any step of reading loses and doubles nothing', () => {
  test.for([
    ['before LOOKUP arrives', 'cut', of('client', 'lookup'), 1],
    ['before SUBSCRIBE arrives', 'cut', of('client', 'subscribe'), 1],
    ['after SUBSCRIBE arrived', 'cut-after', of('client', 'subscribe'), 1],
    ['before its SUCCESS arrives', 'cut', of('broker', 'success'), 1],
    ['after its SUCCESS arrived', 'cut-after', of('broker', 'success'), 1],
    ['before the first FLOW arrives', 'cut', of('client', 'flow'), 1],
    ['after the first FLOW arrived', 'cut-after', of('client', 'flow'), 1],
    ['before the first MESSAGE arrives', 'cut', of('broker', 'message'), 1],
    ['before the seventh MESSAGE arrives', 'cut', of('broker', 'message'), 7],
    ['after the last MESSAGE arrived', 'cut-after', of('broker', 'message'), ENTRIES],
    ['while the broker does not notice', 'ghost', of('broker', 'message'), 5],
  ] as const)('%s', async ([, fate, matches, count], { place, faulty: { proxy, transport } }) => {
    const topic = await createTopic(place, 'cut');
    const positions = await publishBatches(
      place,
      topic,
      Array.from({ length: ENTRIES }, () => 7),
    );
    const strike = nth(count, matches);
    proxy.decide = (passing) => (strike(passing) ? fate : 'pass');
    const reader = await open(transport, topic);
    const entries = await readEntries(reader, ENTRIES);
    expect(entries.map(({ position }) => formatPosition(position))).toEqual(positions.map(formatPosition));
    expect(proxy.connections).toBeGreaterThan(1);
    await reader.close();
  });

  test('again and again, at every third message', async ({ place, faulty: { proxy, transport } }) => {
    const topic = await createTopic(place, 'often');
    const positions = await publishBatches(
      place,
      topic,
      Array.from({ length: ENTRIES }, () => 7),
    );
    let seen = 0;
    proxy.decide = (passing) => (of('broker', 'message')(passing) && ++seen % 3 === 0 ? 'cut' : 'pass');
    const reader = await open(transport, topic, 1_000_000);
    const entries = await readEntries(reader, ENTRIES);
    expect(entries.map(({ position }) => formatPosition(position))).toEqual(positions.map(formatPosition));
    await reader.close();
  });
});

describe('what must never pass as data', () => {
  test('a message whose bytes changed on the way halts with its position', async ({
    place,
    faulty: { proxy, transport },
  }) => {
    const topic = await createTopic(place, 'flipped');
    const positions = await publishBatches(place, topic, [5, 5, 5]);
    const strike = nth(2, of('broker', 'message'));
    proxy.decide = (passing) => {
      if (!strike(passing)) return 'pass';
      const spoiled = Buffer.from(passing.frame);
      spoiled[spoiled.length - 3] = (spoiled[spoiled.length - 3] ?? 0) ^ 1;
      return spoiled;
    };
    const reader = await open(transport, topic);
    const [first] = await readEntries(reader, 1);
    expect(first?.position).toEqual(positions[0]);
    await expect(readEntries(reader, 1)).rejects.toMatchObject({
      code: 'PH_PULSAR_CHECKSUM',
      kind: 'terminal',
      where: { topic, position: formatPosition(positions[1] ?? BEFORE_ALL) },
    });
    await reader.close();
  });

  test('TOPIC_MIGRATED halts: positions mean nothing on another cluster', async ({
    place,
    faulty: { proxy, transport },
  }) => {
    const topic = await createTopic(place, 'migrated');
    let consumerId = 0;
    proxy.decide = (passing) => {
      // CommandFlow { consumer_id = 1 }: the last but two bytes of a short frame hold no other number.
      if (of('client', 'flow')(passing)) consumerId = passing.frame.readUInt8(9);
      return 'pass';
    };
    const reader = await open(transport, topic);
    await expect.poll(() => consumerId).toBeGreaterThan(0);
    const body = new MessageWriter().uint(1, consumerId).uint(2, 1).string(3, 'pulsar://elsewhere:6650');
    proxy.inject(commandFrame(encodeCommand(COMMAND.topicMigrated, body)));
    await expect(reader.next(10_000)).rejects.toMatchObject({ code: 'PH_PULSAR_MIGRATED', kind: 'terminal' });
    await reader.close();
  });

  test('commands of a newer protocol are passed over', async ({ place, faulty: { proxy, transport } }) => {
    const topic = await createTopic(place, 'newer');
    const reader = await open(transport, topic);
    const { connections } = proxy;
    proxy.inject(commandFrame(encodeCommand(78, new MessageWriter().uint(1, 5).string(2, 'scalable'))));
    proxy.inject(commandFrame(encodeCommand(4_000, new MessageWriter())));
    const positions = await publishBatches(place, topic, [1]);
    expect((await readEntries(reader, 1))[0]?.position).toEqual(positions[0]);
    expect(proxy.connections).toBe(connections);
    await reader.close();
  });
});

describe('requests', () => {
  test('that nobody answers end at their deadline', async ({ place, faulty: { proxy, transport } }) => {
    const topic = await createTopic(place, 'silent');
    proxy.decide =
      of('client', 'partitionMetadata') &&
      ((passing) => (passing.command === 'partitionMetadata' ? 'swallow' : 'pass'));
    await expect(transport.partitions(topic, Date.now() + 300)).rejects.toMatchObject({
      code: 'PH_PULSAR_TIMEOUT',
      kind: 'retryable',
    });
  });

  test('redirects that never end are given up', async ({ place, faulty: { proxy } }) => {
    const topic = await createTopic(place, 'redirected');
    const pool = new ConnectionPool({ ...wireOptions(addressesOf(place)), serviceUrl: proxy.serviceUrl });
    let lookups = 0;
    proxy.decide = (passing) => {
      if (!of('broker', 'lookupResponse')(passing)) return 'pass';
      lookups++;
      // CommandLookupTopicResponse { response = 3 }: from 1, connect, to 0, redirect.
      const at = passing.frame.indexOf(Buffer.from([0x18, 0x01]));
      const redirect = Buffer.from(passing.frame);
      redirect[at + 1] = 0;
      return redirect;
    };
    await expect(connectToOwner(pool, topic, undefined, soon())).rejects.toMatchObject({
      code: 'PH_PULSAR_NOT_READY',
      kind: 'retryable',
    });
    expect(lookups).toBe(21);
    await pool.close();
  });

  test("answer the broker's ping", async ({ place, faulty: { proxy, transport } }) => {
    const topic = await createTopic(place, 'ping');
    let pongs = 0;
    proxy.decide = (passing) => {
      if (of('client', 'pong')(passing)) pongs++;
      return 'pass';
    };
    await transport.partitions(topic, soon());
    proxy.inject(commandFrame(PING));
    await expect.poll(() => pongs).toBe(1);
  });

  test('a broker that falls silent is noticed by ping, and reading goes on elsewhere', async ({ place }) => {
    const { proxy, transport } = await through(place, { keepAlive: 200 });
    const topic = await createTopic(place, 'deaf');
    await publishBatches(place, topic, [1]);
    const reader = await open(transport, topic);
    await readEntries(reader, 1);
    const { connections } = proxy;
    let pings = 0;
    proxy.decide = (passing) => {
      if (passing.connection >= connections) return 'pass';
      if (of('client', 'ping')(passing)) pings++;
      return 'swallow';
    };
    const positions = await publishBatches(place, topic, [1]);
    expect((await readEntries(reader, 1))[0]?.position).toEqual(positions[0]);
    expect(proxy.connections).toBeGreaterThan(connections);
    // Asked again before it was given up: the broker did not close first.
    expect(pings).toBeGreaterThan(1);
    await transport.close();
    await proxy.close();
  });

  test('no broker at all is one retryable error that names the address', async ({ place }) => {
    const { proxy, transport } = await through(place);
    await proxy.close();
    await expect(transport.partitions(place.topic('any'), soon())).rejects.toMatchObject({
      code: 'PH_PULSAR_UNREACHABLE',
      kind: 'retryable',
      where: { server: `127.0.0.1:${proxy.port}` },
    });
    await transport.close();
  });
});

describe('acknowledging', () => {
  const quietCheck = (): void => {};

  test('edge 7: a ghost of our own is waited out', async ({ place, faulty: { proxy, transport } }) => {
    const topic = await createTopic(place, 'ghost');
    const [first] = await publishBatches(place, topic, [1, 1]);
    await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
    const strike = nth(1, of('client', 'ack'));
    proxy.decide = (passing) => (strike(passing) ? 'ghost' : 'pass');
    const acknowledge = () => transport.acknowledge(topic, 's', first ?? BEFORE_ALL, soon(), quietCheck);
    await expect(acknowledge()).rejects.toMatchObject({ kind: 'retryable' });
    const again = acknowledge();
    setTimeout(() => proxy.letGhostsGo(), 500);
    await again;
    const { markDelete } = await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
    expect(markDelete).toEqual(first);
  });

  test('edge 8: a receipt that never came is an error, and the same call again is harmless', async ({
    place,
    faulty: { proxy, transport },
  }) => {
    const topic = await createTopic(place, 'receipt');
    const [first] = await publishBatches(place, topic, [1, 1]);
    await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
    const strike = nth(1, of('broker', 'ackResponse'));
    proxy.decide = (passing) => (strike(passing) ? 'cut' : 'pass');
    const acknowledge = () => transport.acknowledge(topic, 's', first ?? BEFORE_ALL, soon(), quietCheck);
    await expect(acknowledge()).rejects.toMatchObject({ kind: 'retryable' });
    expect((await acknowledge()).markDelete).toEqual(first);
  });

  test('edge 7: somebody else on the subscription is reported, by name', async ({
    place,
    faulty: { proxy, transport },
  }) => {
    const topic = await createTopic(place, 'stranger');
    const [first] = await publishBatches(place, topic, [1]);
    await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
    // The first consumer stays: its CLOSE_CONSUMER never arrives and its connection stays open.
    proxy.decide = (passing) => (of('client', 'closeConsumer')(passing) ? 'swallow' : 'pass');
    const deadline = Date.now() + 1_500;
    await expect(
      transport.acknowledge(topic, 's', first ?? BEFORE_ALL, deadline, quietCheck),
    ).rejects.toMatchObject({ kind: 'retryable' });
    proxy.decide = () => 'pass';
    const direct = createWireTransport(wireOptions(addressesOf(place)));
    await expect(
      direct.acknowledge(topic, 's', first ?? BEFORE_ALL, Date.now() + 1_500, quietCheck),
    ).rejects.toMatchObject({
      code: 'PH_PULSAR_CONSUMER_BUSY',
      message: expect.stringMatching(/"pulsehouse" at .*127\.0\.0\.1/),
    });
    await direct.close();
  });
});

test('memory is bounded: what is not taken is not read from the socket, and questions are still answered', async ({
  place,
  faulty: { proxy, transport },
}) => {
  const topic = await createTopic(place, 'bounded');
  const payload = Buffer.alloc(1_000_000, 'x');
  const total = 60;
  const last = await publish(place, topic, async (producer) => {
    const stored = await Promise.all(Array.from({ length: total }, () => producer.send({ payload })));
    return stored.at(-1);
  });
  const reader = await open(transport, topic, 2_000_000);
  await expect.poll(() => proxy.delivered).toBeGreaterThan(2_000_000);
  let before = -1;
  await expect
    .poll(
      () => {
        const still = proxy.delivered === before;
        before = proxy.delivered;
        return still;
      },
      { interval: 300, timeout: 20_000 },
    )
    .toBe(true);
  // What the kernel buffers between two sockets comes on top of our own bound.
  expect(proxy.delivered).toBeLessThan(40_000_000);
  expect(await transport.lastPosition(topic, soon())).toEqual(last);
  const entries = await readEntries(reader, total);
  expect(entries.at(-1)?.position).toEqual(last);
  await reader.close();
});
