import { describe, expect, it } from 'vitest';
import { EntryGroup } from '../../../lib/pulsar/wire/consumer/entry-group.ts';
import { type Chunk, metadataOf, rawChunk, rawEntry } from './message-frames.ts';

const incomplete = expect.objectContaining({ code: 'PH_PULSAR_CHUNKS_INCOMPLETE', kind: 'terminal' });
const group = (maxBytes = 100_000) => new EntryGroup(maxBytes, 1_000);
const chunk = (uuid: string, chunkId: number, piece: string, chunks = 2, total = 4): Chunk => ({
  uuid,
  chunkId,
  chunks,
  total,
  piece,
});

function payloads(entry: { data: Uint8Array; bounds: Int32Array; count: number } | undefined): string[] {
  if (entry === undefined) return [];
  return Array.from({ length: entry.count }, (_, index) =>
    Buffer.from(entry.data.subarray(entry.bounds[2 * index], entry.bounds[2 * index + 1])).toString(),
  );
}

describe('chunked messages', () => {
  it('become one entry at the position of the last chunk', () => {
    const pieces = group();
    expect(pieces.add(rawChunk(chunk('a', 0, 'ab'), 5))).toBeUndefined();
    const entry = pieces.add(rawChunk(chunk('a', 1, 'cd'), 6));
    expect(payloads(entry)).toEqual(['abcd']);
    expect([entry?.firstPosition.entry, entry?.position.entry, entry?.count]).toEqual([5, 6, 1]);
  });

  it('that interleave become one entry with everything between them: no position lies inside a message', () => {
    const pieces = group();
    expect(pieces.add(rawChunk(chunk('a', 0, 'ab'), 5))).toBeUndefined();
    expect(pieces.add(rawChunk(chunk('b', 0, 'AB'), 6))).toBeUndefined();
    expect(
      pieces.add(
        rawEntry(
          metadataOf((writer) => writer.string(6, 'k')),
          Buffer.from('single'),
          7,
        ),
      ),
    ).toBeUndefined();
    expect(pieces.add(rawChunk(chunk('a', 1, 'cd'), 8))).toBeUndefined();
    const entry = pieces.add(rawChunk(chunk('b', 1, 'CD'), 9));
    expect(payloads(entry)).toEqual(['single', 'abcd', 'ABCD']);
    expect([entry?.firstPosition.entry, entry?.position.entry, entry?.messages]).toEqual([5, 9, 3]);
    expect([entry?.metadata(0).key, entry?.metadata(1).key]).toEqual(['k', undefined]);
    expect(() => entry?.metadata(3)).toThrow(RangeError);
  });

  it('sent again from the first chunk, or chunk by chunk, count once', () => {
    const pieces = group();
    pieces.add(rawChunk(chunk('a', 0, 'ab', 3, 6), 0));
    pieces.add(rawChunk(chunk('a', 1, 'cd', 3, 6), 1));
    pieces.add(rawChunk(chunk('a', 0, 'ab', 3, 6), 2));
    pieces.add(rawChunk(chunk('a', 1, 'cd', 3, 6), 3));
    pieces.add(rawChunk(chunk('a', 1, 'cd', 3, 6), 4));
    expect(payloads(pieces.add(rawChunk(chunk('a', 2, 'ef', 3, 6), 5)))).toEqual(['abcdef']);
  });

  it('without their first chunk halt', () => {
    expect(() => group().add(rawChunk(chunk('a', 1, 'cd'), 5))).toThrow(incomplete);
  });

  it('with a hole halt', () => {
    const pieces = group();
    pieces.add(rawChunk(chunk('a', 0, 'ab', 3, 6), 0));
    expect(() => pieces.add(rawChunk(chunk('a', 2, 'ef', 3, 6), 1))).toThrow(incomplete);
  });

  it('that never end halt at the bound, with the position they begin at', () => {
    const pieces = group(1_000);
    pieces.add(rawChunk(chunk('a', 0, 'ab'), 5));
    expect(() => {
      for (let entry = 6; entry < 100; entry++) pieces.add(rawEntry(metadataOf(), Buffer.alloc(100), entry));
    }).toThrow(
      expect.objectContaining({
        code: 'PH_PULSAR_CHUNKS_INCOMPLETE',
        message: expect.stringContaining('3:5'),
      }),
    );
  });

  it('longer or shorter than announced halt', () => {
    const long = group();
    expect(() => long.add(rawChunk(chunk('a', 0, 'abcde'), 0))).toThrow('longer');
    const short = group();
    short.add(rawChunk(chunk('a', 0, 'a'), 0));
    expect(() => short.add(rawChunk(chunk('a', 1, 'b'), 1))).toThrow('shorter');
    expect(() => group().add(rawChunk(chunk('a', 0, 'a', 2, 2_000), 0))).toThrow(
      expect.objectContaining({ code: 'PH_PULSAR_ENTRY_TOO_LARGE' }),
    );
  });
});
