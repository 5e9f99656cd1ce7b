import fc from 'fast-check';
import { expect, it } from 'vitest';
import { kernel } from '../../../lib/kernel/kernel.ts';
import { ENTRY, SLACK } from '../../../lib/kernel/layout.ts';
import { compress } from '../../../lib/pulsar/wire/compression/codec.ts';
import { decodeSnappyBlock } from '../../../lib/pulsar/wire/compression/snappy-decode.ts';
import { put } from './place.ts';

function byTypeScript(block: Uint8Array, size: number): Uint8Array | undefined {
  const output = new Uint8Array(size);
  try {
    decodeSnappyBlock(block, output);
    return output;
  } catch {
    return undefined;
  }
}

/** Undefined where it refuses; writing past the slack throws. */
function byKernel(block: Uint8Array, size: number): Uint8Array | undefined {
  const { data } = put(block, size);
  const guard = kernel()
    .bytes.subarray(data + size + SLACK, data + size + 2 * SLACK)
    .fill(0xaa);
  const isRefused = kernel().exports.snappyDecode(ENTRY, ENTRY + block.length, data, size) !== 0;
  expect(guard.every((byte) => byte === 0xaa)).toBe(true);
  expect(Buffer.compare(kernel().bytes.subarray(ENTRY, ENTRY + block.length), block)).toBe(0);
  return isRefused ? undefined : Uint8Array.from(kernel().bytes.subarray(data, data + size));
}

const texts = fc
  .array(
    fc.tuple(fc.constantFrom('sensor', '{"a":', '0', 'xyzw', 'é', 'ab'), fc.integer({ min: 1, max: 90 })),
    {
      maxLength: 60,
    },
  )
  .map((runs) => Buffer.from(runs.map(([text, times]) => text.repeat(times)).join('')));
const contents = fc.oneof(texts, fc.uint8Array({ maxLength: 600 }));

it('decodes what TypeScript decodes', () => {
  fc.assert(
    fc.property(contents, (bytes) => {
      expect(byKernel(compress('snappy', bytes), bytes.length)).toEqual(Uint8Array.from(bytes));
    }),
    { numRuns: 500 },
  );
});

it('accepts and refuses what TypeScript does when blocks are changed, cut off or of another size', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(
      contents,
      changes,
      fc.nat(3),
      fc.integer({ min: -3, max: 3 }),
      (bytes, changed, cut, more) => {
        const block = Buffer.from(compress('snappy', bytes));
        for (const [at, byte] of changed) block[at % block.length] = byte;
        const input = block.subarray(0, Math.max(0, block.length - cut));
        const size = Math.max(0, bytes.length + more);
        expect(byKernel(input, size)).toEqual(byTypeScript(input, size));
      },
    ),
    { numRuns: 5_000 },
  );
});

it('accepts and refuses what TypeScript does of any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(120), (block, size) => {
      expect(byKernel(block, size)).toEqual(byTypeScript(block, size));
    }),
    { numRuns: 5_000 },
  );
});
