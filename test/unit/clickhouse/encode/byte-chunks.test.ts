import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteChunks } from '../../../../lib/clickhouse/encode/byte-chunks.ts';

const size = fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 70_000 }));

it('bytes come out as they went in, however they are cut, and while more are appended', () => {
  fc.assert(
    fc.property(fc.array(size, { maxLength: 60 }), fc.nat({ max: 60 }), (sizes, lookedAt) => {
      const pieces = sizes.map((length, index) => new Uint8Array(length).fill(index + 1));
      const chunks = new ByteChunks();
      let early: readonly Uint8Array[] = [];
      for (const [index, piece] of pieces.entries()) {
        chunks.append(piece.slice());
        if (index === lookedAt) early = chunks.chunks();
      }
      const whole = Buffer.concat(pieces);
      expect(Buffer.concat(chunks.chunks()).equals(whole)).toBe(true);
      expect(chunks.byteLength).toBe(whole.length);
      expect(Buffer.concat(early).equals(whole.subarray(0, Buffer.concat(early).length))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

it('many small pieces are few chunks', () => {
  const chunks = new ByteChunks();
  for (let piece = 0; piece < 100_000; piece++) chunks.append(new Uint8Array(100));
  expect(chunks.chunks().length).toBeLessThan(20);
});
