import fc from 'fast-check';
import * as snappy from 'snappyjs';
import { describe, expect, it } from 'vitest';
import { decodeSnappyBlock } from '../../../lib/pulsar/wire/compression/snappy-decode.ts';

function decode(block: Uint8Array, size: number): Buffer {
  const output = Buffer.alloc(size);
  decodeSnappyBlock(block, output);
  return output;
}

describe('snappy block', () => {
  it('gives back what the library compressed', () => {
    const runs = fc.array(fc.tuple(fc.constantFrom('{"a":', 'x', 'sensor', '\u00e9'), fc.nat(300)));
    const texts = runs.map((parts) => Buffer.from(parts.map(([text, times]) => text.repeat(times)).join('')));
    fc.assert(
      fc.property(fc.oneof(texts, fc.uint8Array({ maxLength: 2_000 })), (bytes) => {
        expect(decode(snappy.compress(Buffer.from(bytes)), bytes.length)).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 300 },
    );
  });

  it('decodes every kind of element', () => {
    const literal = [0b1111_00 << 2, 2, 0x61, 0x62, 0x63];
    const near = [0b000_000_01 | (2 << 2), 3];
    const far = [(5 << 2) | 2, 4, 0];
    const farthest = [(1 << 2) | 3, 9, 0, 0, 0];
    expect(decode(Uint8Array.from([17, ...literal, ...near, ...far, ...farthest]), 17).toString()).toBe(
      'abcabcabccabccaab',
    );
  });

  it.each([
    [
      'a literal length of more than 31 bits, which other decoders follow for ever',
      [4, 63 << 2, 255, 255, 255, 255],
    ],
    ['no length', []],
    ['a length without end', [255, 255, 255, 255, 255, 255]],
    ['literals that are not there', [4, 3 << 2, 1]],
    ['a copy before the start', [4, 0, 1, 1, 2]],
    ['an offset of zero', [5, 0, 1, 1, 0]],
    ['half an offset', [5, 0, 1, 2, 1]],
    ['more than was announced', [1, 3 << 2, 1, 2, 3, 4]],
    ['less than was announced', [4, 0, 1]],
  ])('refuses %s', (_what, block) => {
    expect(() => decode(Uint8Array.from(block), block[0] ?? 4)).toThrow(RangeError);
  });
});
