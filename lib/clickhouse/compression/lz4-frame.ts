import { kernel } from '../../kernel/kernel.ts';
import { SLACK } from '../../kernel/layout.ts';

/** Most bytes of a block before compression; the header says so. */
const BLOCK = 256 * 1024;
/** What an LZ4 block may take of bytes that do not compress. */
const LARGEST_BLOCK = BLOCK + Math.ceil(BLOCK / 255) + 16;
/** Set in the size of a block that is stored as it is. */
const STORED = 0x8000_0000;

/** Magic number; version 1, independent blocks, no checksums; blocks up to 256 KiB; the second byte of the XXH32 of both. */
const HEADER = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x50, 0xfb]);
const END_MARK = Buffer.alloc(4);

/**
 * The bytes as one LZ4 frame (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md), each block compressed when it is
 * taken, by the kernel. What the kernel holds of an entry stays there.
 */
export function* lz4Frame(pieces: Iterable<Uint8Array>): Generator<Buffer> {
  yield HEADER;
  for (const piece of pieces) {
    for (let from = 0; from < piece.length; from += BLOCK) yield block(piece.subarray(from, from + BLOCK));
  }
  yield END_MARK;
}

/** One block behind its size, little-endian. */
function block(bytes: Uint8Array): Buffer {
  const shared = kernel();
  const input = shared.work(BLOCK + SLACK + LARGEST_BLOCK);
  const output = input + BLOCK + SLACK;
  shared.bytes.set(bytes, input);
  const length = shared.exports.lz4Encode(input, bytes.length, output);
  const isSmaller = length < bytes.length;
  const compressed = isSmaller ? shared.bytes.subarray(output, output + length) : bytes;
  // Never from Node's pool: it may wait long for its socket.
  const written = Buffer.allocUnsafeSlow(4 + compressed.length);
  written.writeUInt32LE(isSmaller ? length : (bytes.length | STORED) >>> 0);
  written.set(compressed, 4);
  return written;
}
