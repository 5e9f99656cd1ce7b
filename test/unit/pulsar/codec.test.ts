import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { COMPRESSIONS, compress, decompress } from '../../../lib/pulsar/wire/compression/codec.ts';

const text = Buffer.from('{"device_id":"sensor-17","temperature":21.5,"status":"online"}'.repeat(50));
/** Node compresses zstd from 22.15 on; decoding it on any Node is shown by the frames captured from other clients. */
const packing = COMPRESSIONS.filter(
  (name) => name !== 'none' && (name !== 'zstd' || 'zstdCompressSync' in zlib),
);

describe.each(packing)('%s', (compression) => {
  const codec = COMPRESSIONS.indexOf(compression);

  it('gives back what was compressed, from the middle of a frame', () => {
    const packed = compress(compression, text);
    const frame = Buffer.concat([Buffer.alloc(9, 1), packed]);
    expect(Buffer.from(decompress(codec, frame, 9, frame.length, text.length))).toEqual(text);
  });

  it('refuses another size than the one announced', () => {
    const packed = compress(compression, text);
    for (const size of [0, text.length - 1, text.length + 1]) {
      expect(() => decompress(codec, packed, 0, packed.length, size)).toThrow('does not decompress');
    }
  });

  it('refuses truncated bytes', () => {
    const packed = compress(compression, text);
    expect(() => decompress(codec, packed, 0, packed.length >> 1, text.length)).toThrow(
      'does not decompress',
    );
  });
});

describe('codec', () => {
  it('refuses a compression that does not exist yet', () => {
    expect(() => decompress(5, text, 0, text.length, text.length)).toThrow(
      expect.objectContaining({ code: 'PH_PULSAR_CODEC_UNKNOWN', kind: 'terminal' }),
    );
  });

  it('does not copy what is not compressed', () => {
    expect(decompress(0, text, 3, 10, 7).buffer).toBe(text.buffer);
  });
});
