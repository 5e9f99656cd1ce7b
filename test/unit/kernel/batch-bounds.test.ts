import fc from 'fast-check';
import { expect, it } from 'vitest';
import { kernel } from '../../../lib/kernel/kernel.ts';
import { findBounds } from '../../../lib/pulsar/wire/metadata/single-metadata.ts';
import { put } from './place.ts';

interface Found {
  readonly gone: number;
  readonly bounds: readonly number[];
}

function byTypeScript(data: Uint8Array, count: number): Found | undefined {
  const bounds = new Int32Array(2 * count);
  try {
    return { gone: findBounds(data, count, undefined, bounds), bounds: [...bounds] };
  } catch {
    return undefined;
  }
}

function byKernel(bytes: Uint8Array, count: number): Found | undefined {
  const { data, bounds } = put(new Uint8Array(), bytes.length, count);
  kernel().bytes.set(bytes, data);
  const gone = kernel().exports.batchBounds(data, bytes.length, count, bounds);
  if (gone < 0) return undefined;
  return { gone, bounds: [...kernel().words.subarray(bounds / 4, bounds / 4 + 2 * count)] };
}

const varint = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];

/** Fields as producers write them: a property, a key, an event time, a sequence id, compacted out, a null value. */
const fields = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 140 }).map((bytes) => [0x0a, ...varint(bytes.length), ...bytes]),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => [0x12, bytes.length, ...bytes]),
    fc.nat().map((time) => [0x28, ...varint(time)]),
    fc.nat().map((id) => [0x40, ...varint(id)]),
    fc.boolean().map((is) => [0x20, Number(is)]),
    fc.boolean().map((is) => [0x48, Number(is)]),
  ),
  { maxLength: 3 },
);
const messages = fc.array(
  fc.tuple(fields, fc.uint8Array({ maxLength: 200 })).map(([others, payload]) => {
    const metadata = [...others.flat(), 0x18, ...varint(payload.length)];
    return [0, 0, metadata.length >>> 8, metadata.length & 0xff, ...metadata, ...payload];
  }),
  { maxLength: 8 },
);

it('finds in valid batches what TypeScript finds', () => {
  let known = 0;
  fc.assert(
    fc.property(messages, (batch) => {
      const data = Uint8Array.from(batch.flat());
      const found = byKernel(data, batch.length);
      // A property of 128 bytes and more is left to TypeScript.
      if (found === undefined) return;
      known++;
      expect(found).toEqual(byTypeScript(data, batch.length));
    }),
    { numRuns: 2_000 },
  );
  expect(known).toBeGreaterThan(1_000);
});

it('accepts nothing that TypeScript refuses or reads otherwise', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(
      messages,
      changes,
      fc.nat(2),
      fc.integer({ min: -1, max: 1 }),
      (batch, changed, cut, more) => {
        const bytes = batch.flat();
        for (const [at, byte] of changed) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        const data = Uint8Array.from(bytes.slice(0, Math.max(0, bytes.length - cut)));
        const count = Math.max(0, batch.length + more);
        const found = byKernel(data, count);
        if (found !== undefined) expect(found).toEqual(byTypeScript(data, count));
      },
    ),
    { numRuns: 10_000 },
  );
});
