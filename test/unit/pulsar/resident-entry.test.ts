import fc from 'fast-check';
import { expect, it } from 'vitest';
import { kernel } from '../../../lib/kernel/kernel.ts';
import type { Entry } from '../../../lib/ports/transport.ts';
import { COMPRESSIONS, compress } from '../../../lib/pulsar/wire/compression/codec.ts';
import { openEntry } from '../../../lib/pulsar/wire/entry.ts';
import { findBounds } from '../../../lib/pulsar/wire/metadata/single-metadata.ts';
import { encodeBatch } from '../../../lib/pulsar/wire/producer-batch.ts';
import { metadataOf, rawEntry } from './message-frames.ts';

const LIMIT = 64 * 1024 * 1024;
const MEBI = 1024 * 1024;
/** Of those that every Node of ours can compress. */
const CODECS = ['none', 'lz4', 'zlib', 'snappy'] as const;

function batchOf(
  codec: (typeof CODECS)[number],
  payloads: readonly Uint8Array[],
): { entry: Entry; data: Buffer } {
  const data = Buffer.from(
    encodeBatch(
      payloads.map((payload, index) => ({ payload, key: `key ${index}` })),
      0,
    ),
  );
  const metadata = metadataOf((writer) =>
    writer.uint(8, COMPRESSIONS.indexOf(codec)).uint(9, data.length).uint(11, payloads.length),
  );
  return { entry: openEntry(rawEntry(metadata, compress(codec, data)), LIMIT), data };
}

const batches = fc.array(
  fc.tuple(
    fc.constantFrom(...CODECS),
    fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 5 }),
  ),
  { minLength: 1, maxLength: 6 },
);

it('gives the same bytes and bounds whenever they are read, and whatever was opened since', () => {
  fc.assert(
    fc.property(batches, fc.array(fc.nat(5), { maxLength: 12 }), (sketches, order) => {
      const opened = sketches.map((sketch) => batchOf(...sketch));
      for (const number of order) {
        const { entry, data } = opened[number % opened.length] as (typeof opened)[number];
        kernel().reside(entry);
        expect(kernel().residentOf).toBe(entry);
        const placed = kernel().placed;
        const resident = kernel().bytes.subarray(placed.data, placed.data + placed.dataBytes);
        expect(Buffer.compare(resident, data)).toBe(0);
      }
      for (const { entry, data } of opened) {
        const bounds = new Int32Array(2 * entry.count);
        findBounds(data, entry.count, undefined, bounds);
        expect(entry.dataBytes).toBe(data.length);
        expect(Buffer.compare(entry.data, data)).toBe(0);
        expect(entry.bounds).toEqual(bounds);
        expect(entry.metadata(entry.count - 1).key).toBe(`key ${entry.count - 1}`);
      }
    }),
    { numRuns: 500 },
  );
});

it('is resident right after it was opened, so that nothing is decoded twice', () => {
  for (const codec of CODECS) {
    const { entry } = batchOf(codec, [Buffer.from('{"a":1}')]);
    expect(kernel().residentOf).toBe(entry);
  }
});

it.each(CODECS)('is given out by TypeScript where it is too large for the kernel: %s', (codec) => {
  const { entry, data } = batchOf(codec, [Buffer.alloc(33 * MEBI, 'x'), Buffer.from('{}')]);
  expect(kernel().reside(entry)).toBeUndefined();
  expect(Buffer.compare(entry.data, data)).toBe(0);
  expect(entry.bounds.subarray(2)).toEqual(Int32Array.of(data.length - 2, data.length));
});
