import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { systemEnvironment } from '../../../lib/assembly/environment.ts';
import { messageOf } from '../../../lib/pipeline/errors.ts';
import { BEFORE_ALL, formatPosition } from '../../../lib/pipeline/position.ts';
import { loadBinding } from '../../../lib/pulsar/pulsar-client/binding.ts';
import { createPulsarClientTransport } from '../../../lib/pulsar/pulsar-client/transport.ts';
import { encodeProducer, encodeSend } from '../../../lib/pulsar/wire/commands/producer.ts';
import { messageFrame } from '../../../lib/pulsar/wire/frame/frame-writer.ts';
import { connectToOwner } from '../../../lib/pulsar/wire/net/lookup.ts';
import { ConnectionPool } from '../../../lib/pulsar/wire/net/pool.ts';
import { type ChunkPlace, encodeSingleMetadata } from '../../../lib/pulsar/wire/producer-batch.ts';
import {
  addressesOf,
  createTopic,
  publishBatches,
  quiet,
  readEntries,
  soon,
  wireOptions,
} from '../../contract/transport/transport-under-test.ts';
import { type Place, test } from '../../support/place.ts';

const absent = await loadBinding(quiet).then(() => undefined, messageOf);
if (absent !== undefined) process.stderr.write(`Skipped, the fences around pulsar-client: ${absent}\n`);

/** The payload below is no LZ4 block. */
const LZ4 = 1;
const UNCOMPRESSED = 0;

/** Publishes one entry as it stands, which no client would, and resolves once it is stored. */
async function publishRaw(
  place: Place,
  topic: string,
  compression: number,
  chunk?: ChunkPlace,
): Promise<void> {
  const pool = new ConnectionPool(wireOptions(addressesOf(place)));
  const connection = await connectToOwner(pool, topic, undefined, soon());
  const producerId = connection.newId();
  const register = (id: number) => encodeProducer({ topic, producerId, schema: undefined }, id);
  await connection.request('PRODUCER', register, soon());
  const payload = Buffer.from('raw');
  const head = {
    producerName: 'raw',
    sequenceId: 0,
    publishTime: Date.now(),
    compression,
    uncompressedSize: payload.length,
    schemaVersion: undefined,
  };
  await new Promise((onAnswer, onGone) => {
    connection.addProducer(producerId, { onAnswer, onGone });
    const command = encodeSend({ producerId, sequenceId: 0, messages: 1, isChunk: chunk !== undefined });
    connection.sendFrame(messageFrame(command, encodeSingleMetadata(head, { payload }, chunk), payload));
  });
  await pool.close();
}

/** What reading the topic from its beginning gives before it halts. */
async function readUntilHalt(place: Place, topic: string, count: number): Promise<unknown> {
  const transport = await createPulsarClientTransport({
    ...addressesOf(place),
    environment: systemEnvironment,
    log: quiet,
  });
  const reader = await transport.openReader(
    topic,
    { after: BEFORE_ALL, maxBufferedBytes: 1_000_000 },
    soon(),
  );
  try {
    return (await readEntries(reader, count)).map(({ position }) => formatPosition(position));
  } finally {
    await reader.close();
    await transport.close();
  }
}

describe.skipIf(absent !== undefined)(
  `what pulsar-client drops${absent ? `, skipped: ${absent}` : ''}`,
  () => {
    test('an entry it cannot decompress halts before what follows it', async ({ place }) => {
      const topic = await createTopic(place, 'codec');
      await publishBatches(place, topic, [2]);
      await publishRaw(place, topic, LZ4);
      await publishBatches(place, topic, [2]);
      await expect(readUntilHalt(place, topic, 2)).rejects.toMatchObject({
        code: 'PH_PULSAR_ENTRIES_MISSING',
        where: { topic },
      });
    });

    test('a chunk whose beginning is missing halts before what follows it', async ({ place }) => {
      const topic = await createTopic(place, 'orphan');
      await publishBatches(place, topic, [2]);
      await publishRaw(place, topic, UNCOMPRESSED, { uuid: 'orphan', chunks: 2, totalSize: 6, chunkId: 1 });
      await publishBatches(place, topic, [2]);
      await expect(readUntilHalt(place, topic, 2)).rejects.toMatchObject({
        code: 'PH_PULSAR_CHUNKS_INCOMPLETE',
        nextStep: expect.stringContaining('PULSAR_TRANSPORT=wire'),
      });
    });

    test('an encrypted message halts with its position', async ({ place }) => {
      const topic = await createTopic(place, 'encrypted');
      const [clear] = await publishBatches(place, topic, [2]);
      const folder = await mkdtemp(join(tmpdir(), 'pulsehouse-keys-'));
      const publicKeyPath = join(folder, 'public.pem');
      const { publicKey } = generateKeyPairSync('rsa', {
        modulusLength: 2048,
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      });
      await writeFile(publicKeyPath, publicKey);
      const { Client } = await loadBinding(quiet);
      const client = new Client({ serviceUrl: addressesOf(place).serviceUrl });
      const producer = await client.createProducer({ topic, publicKeyPath, encryptionKey: 'key' });
      await producer.send({ data: Buffer.from('secret') });
      await client.close();
      await rm(folder, { recursive: true });
      await publishBatches(place, topic, [2]);
      await expect(readUntilHalt(place, topic, 3)).rejects.toMatchObject({
        code: 'PH_PULSAR_ENCRYPTED',
        where: { topic, position: `${clear?.ledger}:1` },
      });
    });
  },
);
