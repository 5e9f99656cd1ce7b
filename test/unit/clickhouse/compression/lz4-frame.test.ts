import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lz4Frame } from '../../../../lib/clickhouse/compression/lz4-frame.ts';
import { kernel } from '../../../../lib/kernel/kernel.ts';
import { decodeLz4Block } from '../../../../lib/pulsar/wire/compression/lz4-decode.ts';

interface Block {
  readonly isStored: boolean;
  readonly bytes: Buffer;
}

const BLOCK = 256 * 1024;

function blocksOf(frame: Buffer): Block[] {
  // Magic number, version 01 with independent blocks and no checksum, blocks of 256 KiB, and the checksum of that header.
  expect(frame.subarray(0, 7).toString('hex')).toBe('04224d186050fb');
  const blocks: Block[] = [];
  let at = 7;
  for (;;) {
    const size = frame.readUInt32LE(at);
    at += 4;
    if (size === 0) break;
    const length = size % 0x8000_0000;
    blocks.push({ isStored: size >= 0x8000_0000, bytes: frame.subarray(at, at + length) });
    at += length;
  }
  expect(at).toBe(frame.length);
  return blocks;
}

/** The blocks do not say how long they are decompressed: those of `input` tell. */
function decoded(frame: Buffer, pieces: readonly Uint8Array[]): Buffer {
  const sizes = pieces.flatMap((piece) =>
    Array.from({ length: Math.ceil(piece.length / BLOCK) }, (_, block) =>
      Math.min(BLOCK, piece.length - block * BLOCK),
    ),
  );
  const blocks = blocksOf(frame);
  expect(blocks).toHaveLength(sizes.length);
  const outputs = blocks.map(({ isStored, bytes }, index) => {
    if (isStored) return bytes;
    const output = Buffer.alloc(sizes[index] ?? 0);
    decodeLz4Block(bytes, 0, bytes.length, output);
    return output;
  });
  return Buffer.concat(outputs);
}

it('a frame holds the pieces one after the other', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 8 }), (pieces) => {
      const frame = Buffer.concat([...lz4Frame(pieces)]);
      expect(decoded(frame, pieces).equals(Buffer.concat(pieces))).toBe(true);
    }),
  );
});

it('long pieces are cut into blocks, and what does not compress is stored', () => {
  const pieces = [randomBytes(BLOCK + 1), Buffer.alloc(2 * BLOCK + 70, 'abcdefg\n'), randomBytes(100)];
  const frame = Buffer.concat([...lz4Frame(pieces)]);
  expect(decoded(frame, pieces).equals(Buffer.concat(pieces))).toBe(true);
  expect(blocksOf(frame).map(({ isStored }) => isStored)).toEqual([true, true, false, false, false, true]);
  expect(frame.length).toBeLessThan(BLOCK + 20_000);
});

it('what the kernel holds of an entry is still there when a body was compressed', () => {
  const owner = {};
  const payload = Buffer.from('{"a":1}{}');
  const at = kernel().load(owner, payload, Int32Array.of(0, 7, 7, 9))?.data ?? 0;
  for (const block of lz4Frame([Buffer.alloc(3 * BLOCK, 'rows\n')])) expect(block.length).toBeGreaterThan(0);
  expect(kernel().residentOf).toBe(owner);
  expect(Buffer.from(kernel().bytes.subarray(at, at + payload.length)).equals(payload)).toBe(true);
});
