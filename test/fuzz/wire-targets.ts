import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { isPulsehouseError } from '../../lib/pipeline/errors.ts';
import type { Entry } from '../../lib/ports/transport.ts';
import { decodeCommand } from '../../lib/pulsar/wire/commands/command.ts';
import { decodeConnected } from '../../lib/pulsar/wire/commands/connect.ts';
import {
  decodeCloseConsumer,
  decodeLastMessageId,
  decodeTopicMigrated,
} from '../../lib/pulsar/wire/commands/consumer.ts';
import { decodeLookupResponse } from '../../lib/pulsar/wire/commands/lookup.ts';
import { decodeMessageCommand } from '../../lib/pulsar/wire/commands/message.ts';
import { decodePartitionCount } from '../../lib/pulsar/wire/commands/partitions.ts';
import { decodeProducerSuccess, decodeSendAnswer } from '../../lib/pulsar/wire/commands/producer.ts';
import { decodeResponseHead } from '../../lib/pulsar/wire/commands/responses.ts';
import { decodeGetSchemaResponse } from '../../lib/pulsar/wire/commands/schema.ts';
import { COMPRESSIONS, decompress } from '../../lib/pulsar/wire/compression/codec.ts';
import { EntryGroup } from '../../lib/pulsar/wire/consumer/entry-group.ts';
import { readRawEntry } from '../../lib/pulsar/wire/entry.ts';
import { crc32c } from '../../lib/pulsar/wire/frame/crc32c.ts';
import { FrameReader } from '../../lib/pulsar/wire/frame/frame-reader.ts';
import { commandEnd } from '../../lib/pulsar/wire/frame/message-frame.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/pulsar');
/** What one entry may hold, and so what one run may allocate, times a small number. */
const MAX_BYTES = 1024 * 1024;

/** One way into the decoder: whatever comes in, it ends in a value or in an error of ours. */
export interface FuzzTarget {
  readonly name: string;
  /** Answers a report when one of the runs found something. */
  find(runs: number, seed?: number): string | undefined;
}

/** Everything a broker's bytes go through, from the socket to the last message's metadata. */
function readStream(bytes: Uint8Array): void {
  const group = new EntryGroup(MAX_BYTES);
  const reader = new FrameReader((frame) => {
    const end = commandEnd(frame);
    decodeCommand(frame.subarray(4, end));
    const { ledger, entry } = decodeMessageCommand(frame, 4, end);
    for (const whole of group.add(readRawEntry(frame, end, { ledger, entry }))) readAll(whole);
  });
  reader.maxFrame = MAX_BYTES;
  reader.push(bytes);
}

function readAll(entry: Entry): void {
  for (let index = 0; index < entry.count; index++) {
    const start = entry.bounds[2 * index] as number;
    const end = entry.bounds[2 * index + 1] as number;
    if (start >= 0 && (end < start || end > entry.data.length)) throw new Error(`bounds ${start} to ${end}`);
    entry.metadata(index);
  }
}

const BODIES: readonly ((body: Uint8Array) => unknown)[] = [
  decodeCommand,
  decodeConnected,
  decodeCloseConsumer,
  decodeLastMessageId,
  decodeTopicMigrated,
  decodeLookupResponse,
  decodePartitionCount,
  decodeProducerSuccess,
  (body) => decodeSendAnswer(7, body),
  (body) => decodeSendAnswer(6, body),
  decodeGetSchemaResponse,
  ...[13, 14, 17, 22, 24, 30, 35, 38].map((type) => (body: Uint8Array) => decodeResponseHead(type, body)),
];

/** Runs `use`; an error of ours is an answer, anything else is a finding. */
function answers(use: () => void): void {
  try {
    use();
  } catch (error) {
    if (!isPulsehouseError(error)) throw error;
  }
}

const golden = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.bin'))
  .map((file) => readFileSync(join(FIXTURES, file)));

const random = fc.uint8Array({ maxLength: 400 });

/** A captured frame with some bytes changed, cut or doubled, and half of the time a checksum that is right again. */
const mutated = fc
  .record({
    frames: fc.constantFrom(...golden),
    changes: fc.array(fc.tuple(fc.nat(1_000), fc.nat(255)), { maxLength: 6 }),
    cut: fc.option(fc.nat(1_000), { nil: undefined }),
    doubled: fc.boolean(),
    mend: fc.boolean(),
  })
  .map(({ frames, changes, cut, doubled, mend }) => {
    const bytes = Buffer.from(frames);
    for (const [at, value] of changes) bytes[at % bytes.length] = value;
    if (mend) mendChecksums(bytes);
    const shorter = cut === undefined ? bytes : bytes.subarray(0, cut % bytes.length);
    return doubled ? Buffer.concat([shorter, shorter]) : shorter;
  });

/** Past the checksum lies all that a checksum would else keep fuzzing away from. */
function mendChecksums(bytes: Buffer): void {
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    const magic = bytes.indexOf(Buffer.from([0x0e, 0x01]), at);
    if (end > bytes.length || magic < 0 || magic + 6 > end) return;
    bytes.writeUInt32BE(crc32c(bytes, magic + 6, end), magic + 2);
    at = end;
  }
}

function target<Input>(name: string, inputs: fc.Arbitrary<Input>, use: (input: Input) => void): FuzzTarget {
  const property = fc.property(inputs, (input) => answers(() => use(input)));
  return {
    name,
    find(runs, seed) {
      const details = fc.check(property, { numRuns: runs, ...(seed !== undefined && { seed }) });
      return details.failed ? fc.defaultReportMessage(details) : undefined;
    },
  };
}

export const WIRE_TARGETS: readonly FuzzTarget[] = [
  target('random bytes as a stream', random, readStream),
  target('captured frames, changed', mutated, readStream),
  ...BODIES.map((decode, index) => target(`command body ${index}`, random, (bytes) => void decode(bytes))),
  ...COMPRESSIONS.map((name, codec) =>
    target(`${name} payloads`, fc.tuple(random, fc.nat(MAX_BYTES)), ([bytes, size]) => {
      decompress(codec, bytes, 0, bytes.length, size);
    }),
  ),
];
