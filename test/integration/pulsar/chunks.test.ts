import { expect } from 'vitest';
import { BEFORE_ALL, formatPosition, type Position } from '../../../lib/pipeline/position.ts';
import type { Entry } from '../../../lib/ports/transport.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { createWireTransport } from '../../../lib/pulsar/wire/transport.ts';
import {
  addressesOf,
  createTopic,
  payloadsOf,
  readEntries,
  soon,
  wireOptions,
} from '../../contract/transport/transport-under-test.ts';
import { type Place, test } from '../../support/place.ts';

const MESSAGES = 12;
const large = (name: string, index: number): Buffer => Buffer.from(`${name}${index}:`.padEnd(3_000, name));

/** Two producers whose chunks meet, and one of single messages between them. */
async function publishInterleaved(place: Place, topic: string): Promise<void> {
  const options = wireOptions(addressesOf(place));
  const producers = await Promise.all([
    openProducer(options, topic, { chunkSize: 100 }),
    openProducer(options, topic, { chunkSize: 130, compression: 'lz4' }),
    openProducer(options, topic),
  ]);
  const [one, two, three] = producers;
  for (let index = 0; index < MESSAGES; index++) {
    await Promise.all([
      one?.send({ payload: large('a', index) }),
      two?.send({ payload: large('b', index) }),
      three?.send({ payload: Buffer.from(`c${index}`) }),
    ]);
  }
  await Promise.all(producers.map((producer) => producer.close()));
}

test('edge 3: chunked messages that interleave are whole, from whatever position reading goes on', async ({
  place,
}) => {
  const topic = await createTopic(place, 'chunked');
  await publishInterleaved(place, topic);
  const transport = createWireTransport(wireOptions(addressesOf(place)));
  const last = await transport.lastPosition(topic, soon());

  const readFrom = async (after: Position): Promise<readonly Entry[]> => {
    const reader = await transport.openReader(topic, { after, maxBufferedBytes: 1_000_000 }, soon());
    const entries: Entry[] = [];
    while (formatPosition(entries.at(-1)?.position ?? after) !== formatPosition(last)) {
      entries.push(...(await readEntries(reader, 1)));
    }
    await reader.close();
    return entries;
  };

  const all = await readFrom(BEFORE_ALL);
  const expected = Array.from({ length: MESSAGES }, (_, index) => [
    large('a', index).toString(),
    large('b', index).toString(),
    `c${index}`,
  ]).flat();
  expect(all.flatMap(payloadsOf).sort()).toEqual(expected.sort());
  const shape = (entries: readonly Entry[]) =>
    entries.map((entry) => [
      formatPosition(entry.firstPosition),
      formatPosition(entry.position),
      payloadsOf(entry),
    ]);
  for (const [index, { position }] of all.entries()) {
    expect(shape(await readFrom(position))).toEqual(shape(all.slice(index + 1)));
  }
  await transport.close();
});

test('edge 3: what is left of a chunked message above a position inside it is given up with a reason, and never silently', async ({
  place,
}) => {
  const topic = await createTopic(place, 'inside');
  const producer = await openProducer(wireOptions(addressesOf(place)), topic, { chunkSize: 100 });
  const { ledger } = await producer.send({ payload: large('a', 0) });
  await producer.close();
  const transport = createWireTransport(wireOptions(addressesOf(place)));
  const reader = await transport.openReader(
    topic,
    { after: { ledger, entry: 3 }, maxBufferedBytes: 1_000_000 },
    soon(),
  );
  const [rest] = await readEntries(reader, 1);
  expect(rest).toMatchObject({ position: { ledger, entry: 4 }, messages: 1 });
  expect(rest?.givenUp?.get(0)).toContain('its beginning was not read');
  await reader.close();
  await transport.close();
});
