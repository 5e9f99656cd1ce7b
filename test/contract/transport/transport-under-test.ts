import { systemEnvironment } from '../../../lib/assembly/environment.ts';
import type { Position } from '../../../lib/pipeline/position.ts';
import type { Log } from '../../../lib/ports/log.ts';
import type { Entry, EntryReader, Transport } from '../../../lib/ports/transport.ts';
import type { WireOptions } from '../../../lib/pulsar/wire/options.ts';
import { openProducer, type Producer, type ProducerOptions } from '../../../lib/pulsar/wire/producer.ts';
import type { Place } from '../../support/place.ts';

/** One implementation of the port, and how it is made for a broker. */
export interface TransportUnderTest {
  readonly name: string;
  /** What a null value, a tombstone, is given out as: pulsar-client does not tell it from an empty one. */
  readonly nullValue: undefined | '';
  open(addresses: BrokerAddresses): Promise<Transport>;
}

export interface BrokerAddresses {
  readonly serviceUrl: string;
  readonly adminUrl: string;
}

export const quiet: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => quiet,
};

const PATIENCE = 60_000;
/** Ms epoch, for the calls of a test. */
export const soon = (): number => Date.now() + PATIENCE;

export function addressesOf({ environment }: Place): BrokerAddresses {
  const { PULSAR_SERVICE_URL: serviceUrl, PULSAR_ADMIN_URL: adminUrl } = environment;
  if (serviceUrl === undefined || adminUrl === undefined) throw new Error('the stack names no broker');
  return { serviceUrl, adminUrl };
}

export function wireOptions({ serviceUrl, adminUrl }: BrokerAddresses): WireOptions {
  return { serviceUrl, adminUrl, environment: systemEnvironment, log: quiet };
}

/** Publishes with the project's own producer and closes it again. */
export async function publish<Result>(
  place: Place,
  topic: string,
  use: (producer: Producer) => Promise<Result>,
  options: ProducerOptions = {},
): Promise<Result> {
  const producer = await openProducer(wireOptions(addressesOf(place)), topic, options);
  try {
    return await use(producer);
  } finally {
    await producer.close();
  }
}

/** Entries of `sizes.length` batches whose payloads are `entry.index`. */
export function publishBatches(
  place: Place,
  topic: string,
  sizes: readonly number[],
  options: ProducerOptions = {},
): Promise<readonly Position[]> {
  return publish(
    place,
    topic,
    (producer) =>
      Promise.all(
        sizes.map((size, entry) =>
          producer.sendBatch(
            Array.from({ length: size }, (_, index) => ({ payload: Buffer.from(`${entry}.${index}`) })),
          ),
        ),
      ),
    options,
  );
}

/** Everything there is: until `count` entries came, or none for a while where none is expected. */
export async function readEntries(reader: EntryReader, count: number): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  const until = Date.now() + PATIENCE;
  while (entries.length < count) {
    const entry = reader.poll() ?? (await reader.next(1_000));
    if (entry !== undefined) entries.push(entry);
    else if (Date.now() > until) throw new Error(`${entries.length} of ${count} entries came`);
  }
  return entries;
}

export function payloadsOf(entry: Entry): readonly (string | undefined)[] {
  return Array.from({ length: entry.count }, (_, index) => {
    const start = entry.bounds[2 * index] as number;
    return start < 0
      ? undefined
      : Buffer.from(entry.data.subarray(start, entry.bounds[2 * index + 1])).toString();
  });
}

/** Creates a topic, with that many partitions or, at 0, none. */
export async function createTopic(place: Place, name: string, partitions = 0): Promise<string> {
  const path = `persistent/${place.namespace}/${name}`;
  if (partitions === 0) await place.admin('PUT', path);
  else await place.admin('PUT', `${path}/partitions`, partitions);
  return place.topic(name);
}
