/**
 * A process that publishes readings at a steady pace, an entry every TICK, and prints a line of JSON for each entry that the
 * broker has stored. Arguments: service URL, partition topic, messages a second, seconds.
 */
import { reading } from '../../examples/iot/readings.ts';
import { systemEnvironment } from '../../lib/assembly/environment.ts';
import { createLog } from '../../lib/assembly/log.ts';
import { openProducer } from '../../lib/pulsar/wire/producer.ts';
import type { PublishedEntry } from './published.ts';

/** Milliseconds; a client that batches by time does the like. */
const TICK = 10;

const [serviceUrl = '', topic = '', rate = '', seconds = ''] = process.argv.slice(2);
const perTick = (Number(rate) * TICK) / 1000;
const ticks = (Number(seconds) * 1000) / TICK;

const wire = { serviceUrl, environment: systemEnvironment, log: createLog() };
const producer = await openProducer(wire, topic, { compression: 'lz4' });
const begun = performance.now();
const stored: Promise<void>[] = [];
let published = 0;
for (let tick = 1; tick <= ticks; tick++) {
  const due = begun + tick * TICK - performance.now();
  if (due > 0) await systemEnvironment.sleep(due);
  stored.push(publishUpTo(Math.round(tick * perTick)));
}
await Promise.all(stored);
await producer.close();

async function publishUpTo(count: number): Promise<void> {
  const first = published;
  published = count;
  if (count === first) return;
  const at = Date.now();
  const messages = Array.from({ length: count - first }, (_, index) => ({
    payload: reading(first + index, at),
  }));
  const { ledger, entry } = await producer.sendBatch(messages);
  const line: PublishedEntry = { ledger, entry, at, messages: messages.length };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
