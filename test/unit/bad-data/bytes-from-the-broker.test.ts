import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseDeadLetters } from '../../../lib/consume/dead-letter-lines.ts';
import { decodePartitionCount } from '../../../lib/pulsar/wire/commands/partitions.ts';
import { COMPRESSIONS, decompress } from '../../../lib/pulsar/wire/compression/codec.ts';
import { decodeZstd } from '../../../lib/pulsar/wire/compression/zstd-decode.ts';
import { Permits } from '../../../lib/pulsar/wire/consumer/permits.ts';
import { ByteCursor } from '../../../lib/pulsar/wire/protobuf/byte-cursor.ts';
import { toEntry } from '../../../lib/replay/replay/letter-entries.ts';

const ZSTD = COMPRESSIONS.indexOf('zstd');

/** A frame of one block that is stored as it is; it may announce another size than it has. */
function zstdFrame(content: Buffer, announced: number | 'nothing', windowDescriptor = 0x50): Buffer {
  const block = Buffer.alloc(3);
  block.writeUIntLE((content.length << 3) | 1, 0, 3);
  const head = announced === 'nothing' ? [0x00, windowDescriptor] : [0xa0, ...uint32(announced)];
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, ...head]), block, content]);
}

function uint32(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}

function open(frame: Buffer, size: number): string {
  return Buffer.from(decompress(ZSTD, frame, 0, frame.length, size)).toString();
}

describe('a zstd payload', () => {
  const content = Buffer.from('{"a":1}');

  it('is what was compressed, whether its frame announces a size or not', () => {
    expect(open(zstdFrame(content, 7), 7)).toBe('{"a":1}');
    expect(open(zstdFrame(content, 'nothing'), 7)).toBe('{"a":1}');
    expect(open(Buffer.concat([zstdFrame(content, 7), zstdFrame(content, 'nothing')]), 14)).toBe(
      '{"a":1}{"a":1}',
    );
  });

  it.each([
    ['shorter', 8],
    ['longer', 6],
  ])('that is %s than the entry announces is refused, and never padded or cut off', (_, size) => {
    expect(() => open(zstdFrame(content, 'nothing'), size)).toThrow('does not decompress');
    expect(() => open(zstdFrame(content, 7), size)).toThrow('does not decompress');
    expect(() => open(zstdFrame(content, size), size)).toThrow('does not decompress');
  });

  it('is refused before anything is allocated by what its head claims', () => {
    const output = new Uint8Array(7);
    expect(() => decodeZstd(zstdFrame(content, 0x7fff_ffff), output)).toThrow('more than the 7 bytes');
    expect(() => decodeZstd(zstdFrame(content, 'nothing', 0xa0), output)).toThrow('window');
    expect(() => decodeZstd(Buffer.from('no zstd at all'), output)).toThrow('no zstd frame');
    expect(() => decodeZstd(zstdFrame(content, 7).subarray(0, 12), output)).toThrow();
  });
});

describe('a zlib payload', () => {
  it('of megabytes opens, and one of another size is refused', () => {
    const text = Buffer.alloc(3_000_000, '0123456789');
    const packed = zlib.deflateSync(text);
    const codec = COMPRESSIONS.indexOf('zlib');
    expect(Buffer.compare(decompress(codec, packed, 0, packed.length, text.length), text)).toBe(0);
    for (const size of [1, text.length - 1, text.length + 1]) {
      expect(() => decompress(codec, packed, 0, packed.length, size)).toThrow('does not decompress');
    }
  });
});

describe('what is kept of an entry', () => {
  it('does not change when the memory it came in is used again', () => {
    const frame = Buffer.from([3, 7, 8, 9]);
    const kept = new ByteCursor(frame, 0, 4).copyBytes();
    frame.fill(0);
    expect([...kept]).toEqual([7, 8, 9]);
  });
});

describe('numbers that no honest broker or producer sends', () => {
  it('a topic of billions of partitions is refused, and no list of them is made', () => {
    expect(decodePartitionCount(Buffer.from([0x08, 0x10]))).toBe(16);
    expect(() => decodePartitionCount(Buffer.from([0x08, 0xff, 0xff, 0xff, 0xff, 0x0f]))).toThrow(
      expect.objectContaining({ code: 'PH_PULSAR_MALFORMED' }),
    );
  });

  it('an entry of no bytes and millions of messages does not ask for more messages than can be counted', () => {
    const permits = new Permits(16 * 1024 * 1024);
    for (let entry = 0; entry < 1_000; entry += 1) permits.giveBack(2_000_000_000, 100);
    expect(permits.window).toBeLessThanOrEqual(1_000_000);
  });

  it('hundreds of thousands of dead letters of one entry are read again', () => {
    const lines = Array.from({ length: 150_000 }, (_, index) =>
      JSON.stringify({ position: '1:2', index, publishTime: 0, reason: 'bad', payload: '' }),
    );
    const body = Buffer.from(lines.join('\n'));
    const entry = toEntry({ position: { ledger: 1, entry: 2 }, letters: parseDeadLetters(body) });
    expect(entry.count).toBe(150_000);
  });
});
