import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLz4Block } from '../../../lib/pulsar/wire/compression/lz4-decode.ts';
import { encodeLz4Block } from '../../../lib/pulsar/wire/compression/lz4-encode.ts';

function decode(block: Uint8Array, size: number): Buffer {
  const output = Buffer.alloc(size);
  decodeLz4Block(block, 0, block.length, output);
  return output;
}

const repetitive = fc
  .array(fc.tuple(fc.constantFrom('sensor', '{"a":', '0', 'xyzw', 'é'), fc.integer({ min: 1, max: 60 })), {
    maxLength: 60,
  })
  .map((runs) => Buffer.from(runs.map(([text, times]) => text.repeat(times)).join('')));

describe('LZ4 block', () => {
  it('gives back what was compressed', () => {
    fc.assert(
      fc.property(fc.oneof(repetitive, fc.uint8Array({ maxLength: 500 })), (bytes) => {
        expect(decode(encodeLz4Block(bytes), bytes.length)).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it('makes repetitive bytes smaller', () => {
    const bytes = Buffer.from('{"sensorId":"sensor-1","temperature":21.5}'.repeat(100));
    expect(encodeLz4Block(bytes).length).toBeLessThan(bytes.length / 10);
  });

  it('decodes matches that reach into themselves, at every distance', () => {
    for (let offset = 1; offset <= 20; offset++) {
      const start = Buffer.from('abcdefghijklmnopqrst'.slice(0, offset));
      // offset literals, then a match of 40 bytes, then five literals
      const block = Buffer.concat([
        Buffer.from([(Math.min(offset, 15) << 4) | 15, ...(offset >= 15 ? [offset - 15] : [])]),
        start,
        Buffer.from([offset, 0, 40 - 4 - 15, 5 << 4]),
        Buffer.from('-----'),
      ]);
      const expected = start
        .toString()
        .repeat(60)
        .slice(0, offset + 40);
      expect(decode(block, offset + 45).toString()).toBe(`${expected}-----`);
    }
  });

  it.each([
    ['a match before the start', [0x14, 0x61, 5, 0], 6],
    ['an offset of zero', [0x14, 0x61, 0, 0], 6],
    ['half an offset', [0x14, 0x61, 1], 6],
    ['literals that are not there', [0xf0, 200], 300],
    ['a literal length without end', [0xf0, 255, 255], 300],
    ['a match length without end', [0x1f, 0x61, 1, 0, 255], 300],
    ['more than was announced', [0x50, 1, 2, 3, 4, 5], 4],
    ['a match beyond what was announced', [0x1f, 0x61, 1, 0, 100], 20],
    ['less than was announced', [0x50, 1, 2, 3, 4, 5], 6],
  ])('refuses %s', (_what, block, size) => {
    expect(() => decode(Buffer.from(block), size)).toThrow(RangeError);
  });

  it('never writes beyond its output, whatever the block says', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(120), (block, size) => {
        const memory = Buffer.alloc(size + 32, 0xaa);
        try {
          decodeLz4Block(block, 0, block.length, memory.subarray(16, 16 + size));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
        expect(memory.subarray(0, 16).every((byte) => byte === 0xaa)).toBe(true);
        expect(memory.subarray(16 + size).every((byte) => byte === 0xaa)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
