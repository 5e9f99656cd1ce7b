import { expect } from 'vitest';
import { consume } from '../../../lib/consume/consume.ts';
import { formatPosition, type Position } from '../../../lib/pipeline/position.ts';
import { decodeMessageCommand } from '../../../lib/pulsar/wire/commands/message.ts';
import { crc32c } from '../../../lib/pulsar/wire/frame/crc32c.ts';
import { commandEnd } from '../../../lib/pulsar/wire/frame/message-frame.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { createWireTransport } from '../../../lib/pulsar/wire/transport.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { pause, resumePipeline } from '../../../lib/replay/pause.ts';
import { reset } from '../../../lib/replay/reset/reset.ts';
import { addressesOf, wireOptions } from '../../contract/transport/transport-under-test.ts';
import { type Place, test } from '../../support/place.ts';
import { FaultProxy, type Passing } from '../pulsar/fault-proxy.ts';
import { byHand, openSubject, soon } from '../replay/subject.ts';

const CHECKSUM_MAGIC = Buffer.from([0x0e, 0x01]);

/** Metadata of a SEND frame changed, under a checksum that fits: the broker stores it as the producer's own. */
function withMetadata(frame: Buffer, change: (metadata: Buffer) => Buffer): Buffer {
  const at = frame.indexOf(CHECKSUM_MAGIC, commandEnd(frame));
  const from = at + 6;
  const size = frame.readUInt32BE(from);
  const metadata = change(Buffer.from(frame.subarray(from + 4, from + 4 + size)));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(metadata.length);
  const checked = Buffer.concat([head, metadata, frame.subarray(from + 4 + size)]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32c(checked));
  return Buffer.concat([frame.subarray(0, at), CHECKSUM_MAGIC, checksum, checked]);
}

/** Compression lz4 becomes number 7. */
const codec7 = (metadata: Buffer): Buffer => {
  metadata[metadata.indexOf(Buffer.from([0x40, 0x01])) + 1] = 7;
  return metadata;
};

/** `encryption_algo = 14`, as a producer that encrypts writes it. */
const encrypted = (metadata: Buffer): Buffer => Buffer.concat([metadata, Buffer.from('\x72\x03AES')]);

/** A batch of ten events that is stored as `change` makes it. */
async function publishSpoiled(
  place: Place,
  topic: string,
  change: (metadata: Buffer) => Buffer,
): Promise<Position> {
  const proxy = await FaultProxy.open(addressesOf(place).serviceUrl);
  proxy.decide = ({ command, frame }) => (command === 'send' ? withMetadata(frame, change) : 'pass');
  const wire = { ...wireOptions(addressesOf(place)), serviceUrl: proxy.serviceUrl };
  const producer = await openProducer(wire, topic, { compression: 'lz4' });
  const payload = Buffer.from(JSON.stringify({ id: 999_999, padding: 'x'.repeat(200) }));
  const position = await producer.sendBatch(Array.from({ length: 10 }, () => ({ payload })));
  await producer.close();
  await proxy.close();
  return position;
}

const isMessageAt = ({ from, command, frame }: Passing, { ledger, entry }: Position): boolean => {
  if (from !== 'broker' || command !== 'message') return false;
  const found = decodeMessageCommand(frame, 4, commandEnd(frame));
  return found.ledger === ledger && found.entry === entry;
};

function flipped(frame: Buffer): Buffer {
  const spoiled = Buffer.from(frame);
  spoiled[spoiled.length - 3] = (spoiled[spoiled.length - 3] ?? 0) ^ 1;
  return spoiled;
}

test.for([
  ['of a codec that does not exist yet', 'PH_PULSAR_CODEC_UNKNOWN', codec7],
  ['that is encrypted end to end', 'PH_PULSAR_ENCRYPTED', encrypted],
  ['whose bytes rotted', 'PH_PULSAR_CHECKSUM', undefined],
] as const)(
  'an entry %s halts its partition there; what came before is stored, and it alone is given up',
  async ([, code, change], { place }) => {
    const subject = await openSubject(place);
    const [topic = ''] = await subject.ports.transport.partitions(subject.pipeline.topic, soon());
    await subject.publish(3);
    const spoiled = await publishSpoiled(place, topic, change ?? ((metadata) => metadata));
    await subject.publish(3);
    const proxy = await FaultProxy.open(addressesOf(place).serviceUrl);
    if (change === undefined)
      proxy.decide = (passing) => (isMessageAt(passing, spoiled) ? flipped(passing.frame) : 'pass');
    const transport = createWireTransport({
      ...wireOptions(addressesOf(place)),
      serviceUrl: proxy.serviceUrl,
    });
    const dependencies = { ...subject.dependencies, transport };
    const consumeOnce = () =>
      consume(dependencies, { partition: 0, owner: byHand().owner, deadline: soon(), until: 'drained' });

    const before = { ...spoiled, entry: spoiled.entry - 1 };
    expect(await consumeOnce()).toMatchObject({
      outcome: 'halted',
      rows: 30,
      committed: before,
      halt: { code, position: spoiled, reason: expect.stringContaining(formatPosition(spoiled)) },
    });
    expect(await subject.count('1')).toBe(30);

    await pause(dependencies, byHand());
    await reset(dependencies, { reason: 'offsets', positions: new Map([[0, spoiled]]) }, byHand());
    await resumePipeline(dependencies, byHand());
    expect(await consumeOnce()).toMatchObject({ outcome: 'drained', rows: 30 });
    expect(await subject.count('1')).toBe(60);
    const report = await audit(dependencies, {}, { deadline: soon() });
    expect(report).toMatchObject({ exact: true, missing: 0, doubled: 0 });
    expect(report.partitions.flatMap(({ remarks }) => remarks)).toEqual([
      `partition 0: (${formatPosition(before)}, ${formatPosition(spoiled)}] was skipped by hand`,
    ]);
    await transport.close();
    await proxy.close();
    await subject.close();
  },
);

test('a partition whose broker falls silent before the end is not called drained', async ({ place }) => {
  const subject = await openSubject(place);
  await subject.publish(5);
  const proxy = await FaultProxy.open(addressesOf(place).serviceUrl);
  let shown = 0;
  proxy.decide = ({ from, command }) =>
    from === 'broker' && command === 'message' && ++shown > 2 ? 'swallow' : 'pass';
  const wire = { ...wireOptions(addressesOf(place)), serviceUrl: proxy.serviceUrl };
  const transport = createWireTransport(wire);
  const warnings: string[] = [];
  const log = { ...subject.dependencies.log, warn: (message: string) => warnings.push(message) };
  expect(
    await consume(
      { ...subject.dependencies, transport, log },
      { partition: 0, owner: byHand().owner, deadline: soon(), until: 'drained' },
    ),
  ).toMatchObject({ outcome: 'stalled', rows: 20 });
  expect(warnings).toEqual([expect.stringContaining('is not drained')]);
  expect(await subject.consume()).toMatchObject({ outcome: 'drained', rows: 30 });
  await transport.close();
  await proxy.close();
  await subject.close();
});
