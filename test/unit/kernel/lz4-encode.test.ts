import fc from 'fast-check';
import { expect, it } from 'vitest';
import { kernel } from '../../../lib/kernel/kernel.ts';
import { decodeLz4Block } from '../../../lib/pulsar/wire/compression/lz4-decode.ts';

/** One block by the kernel, and what lies before and behind it. */
function encode(bytes: Uint8Array): Uint8Array {
  const most = bytes.length + Math.ceil(bytes.length / 255) + 16;
  const input = kernel().work(bytes.length + 128 + most);
  const output = input + bytes.length + 128;
  kernel().bytes.set(bytes, input);
  const length = kernel().exports.lz4Encode(input, bytes.length, output);
  expect(length).toBeLessThanOrEqual(most);
  return Buffer.from(kernel().bytes.subarray(output, output + length));
}

function decoded(block: Uint8Array, size: number): Buffer {
  const output = Buffer.alloc(size);
  decodeLz4Block(block, 0, block.length, output);
  return output;
}

/** Few different bytes, runs, and repetitions from any distance. */
const repetitive = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc
        .tuple(fc.integer({ min: 0, max: 3 }), fc.nat(600))
        .map(([byte, times]) => new Uint8Array(times).fill(byte)),
      fc
        .nat(300)
        .map((length) =>
          Buffer.from('{"sensor":"a-17","value":12.5,"at":"2026-01-05"}\n'.repeat(8)).subarray(length),
        ),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.concat(parts));

it.each([
  ['any bytes', fc.uint8Array({ maxLength: 400 })],
  ['repetitive bytes', repetitive],
] as const)('a block of %s is decoded to what went in', (_, bytes) => {
  fc.assert(
    fc.property(bytes, (input) => {
      expect(decoded(encode(input), input.length).equals(Buffer.from(input))).toBe(true);
    }),
    { numRuns: 1500 },
  );
});

it('the last five bytes are literals, and no match begins within the last twelve', () => {
  for (let size = 1; size < 80; size++) {
    const block = encode(Buffer.alloc(size, 0x61));
    // The last sequence has literals only: its token names how many.
    const lastLiterals = size < 13 ? size : (block.at(-6) as number) >>> 4;
    expect(lastLiterals).toBeGreaterThanOrEqual(Math.min(size, 5));
    expect(decoded(block, size).equals(Buffer.alloc(size, 0x61))).toBe(true);
  }
});

it('matches farther away than an offset can say are not taken', () => {
  const words = Buffer.from('a text that stands at both ends and nowhere between them');
  const between = Buffer.alloc(70_000);
  for (let at = 0; at < between.length; at += 4)
    between.writeUInt32LE(Math.imul(at + 1, 0x9e3779b1) >>> 0, at);
  const input = Buffer.concat([words, between, words]);
  expect(decoded(encode(input), input.length).equals(input)).toBe(true);
});

it('rows of JSON become less than a third', () => {
  const rows = Array.from({ length: 1_000 }, (_, index) =>
    JSON.stringify({
      _ledger: 7,
      _entry: 1,
      _index: index,
      sensor: `sensor-${index % 50}`,
      value: (index * 7919) % 1000,
    }),
  );
  const input = Buffer.from(rows.join('\n'));
  expect(encode(input).length).toBeLessThan(input.length / 3);
});
