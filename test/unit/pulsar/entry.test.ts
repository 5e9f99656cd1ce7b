import { describe, expect, it } from 'vitest';
import { compress } from '../../../lib/pulsar/wire/compression/codec.ts';
import { openEntry, permitsOf, readRawEntry } from '../../../lib/pulsar/wire/entry.ts';
import { commandEnd } from '../../../lib/pulsar/wire/frame/message-frame.ts';
import { encodeBatch } from '../../../lib/pulsar/wire/producer-batch.ts';
import { frameOf, messageCommand, metadataOf, rawEntry } from './message-frames.ts';

const LIMIT = 1024 * 1024;
const code = (name: string) => expect.objectContaining({ code: name });
const read = (frame: Uint8Array) => readRawEntry(frame, commandEnd(frame), { ledger: 3, entry: 0 });

describe('one entry', () => {
  it('is refused when any one bit after its checksum is another', () => {
    const frame = frameOf(metadataOf(), Buffer.from('{"a":1}'));
    for (let at = commandEnd(frame) + 2; at < frame.length; at++) {
      const spoiled = Buffer.from(frame);
      spoiled[at] = (spoiled[at] ?? 0) ^ 0x10;
      expect(() => read(spoiled)).toThrow(code('PH_PULSAR_CHECKSUM'));
    }
  });

  it('may come without a checksum', () => {
    const command = messageCommand(0);
    const metadata = metadataOf();
    const sizes = Buffer.alloc(8);
    sizes.writeUInt32BE(command.length);
    sizes.writeUInt32BE(metadata.length, 4);
    const frame = Buffer.concat([
      sizes.subarray(0, 4),
      command,
      sizes.subarray(4),
      metadata,
      Buffer.from('x'),
    ]);
    expect(Buffer.from(openEntry(read(frame), LIMIT).data).toString()).toBe('x');
  });

  it('ends in an error wherever its frame is cut', () => {
    const frame = frameOf(metadataOf(), Buffer.from('{"a":1}'));
    for (let length = 0; length < frame.length; length++) {
      expect(() => read(frame.subarray(0, length))).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^PH_PULSAR_(MALFORMED|CHECKSUM)$/) }),
      );
    }
  });

  it('is refused when it is encrypted', () => {
    const metadata = metadataOf((writer) => writer.string(13, 'key').string(14, 'AES'));
    expect(() => rawEntry(metadata, Buffer.from('cipher'))).toThrow(code('PH_PULSAR_ENCRYPTED'));
  });

  it('is refused with a compression that does not exist yet', () => {
    const raw = rawEntry(
      metadataOf((writer) => writer.uint(8, 9).uint(9, 10)),
      Buffer.from('?'),
    );
    expect(() => openEntry(raw, LIMIT)).toThrow(code('PH_PULSAR_CODEC_UNKNOWN'));
  });

  it('is refused by its announced size before anything is allocated', () => {
    const raw = rawEntry(
      metadataOf((writer) => writer.uint(8, 1).uint(9, 0xffff_fff0)),
      Buffer.from('?'),
    );
    expect(() => openEntry(raw, LIMIT)).toThrow(code('PH_PULSAR_ENTRY_TOO_LARGE'));
    const many = rawEntry(
      metadataOf((writer) => writer.uint(11, 0x7fff_ffff)),
      Buffer.from('?'),
    );
    expect(() => openEntry(many, LIMIT)).toThrow(code('PH_PULSAR_MALFORMED'));
  });

  it('that is single has one payload, or none for a null value', () => {
    const value = openEntry(
      rawEntry(
        metadataOf((w) => w.string(6, 'k')),
        Buffer.from('abc'),
      ),
      LIMIT,
    );
    expect([...value.bounds]).toEqual([0, 3]);
    expect(value.metadata(0)).toMatchObject({ key: 'k', properties: {}, eventTime: 0, sequenceId: 0 });
    const tombstone = openEntry(
      rawEntry(
        metadataOf((w) => w.bool(25, true)),
        Buffer.alloc(0),
      ),
      LIMIT,
    );
    expect([[...tombstone.bounds], tombstone.messages]).toEqual([[-1, -1], 1]);
  });

  it('that is a batch of one is still a batch', () => {
    const payload = encodeBatch([{ payload: Buffer.from('abc'), key: 'k' }], 7);
    const raw = rawEntry(
      metadataOf((writer) => writer.uint(11, 1)),
      payload,
    );
    const entry = openEntry(raw, LIMIT);
    expect(Buffer.from(entry.data.subarray(entry.bounds[0], entry.bounds[1])).toString()).toBe('abc');
    expect(entry.metadata(0)).toMatchObject({ key: 'k', sequenceId: 7 });
    expect(permitsOf(raw)).toBe(1);
    expect(() => entry.metadata(1)).toThrow(RangeError);
  });

  it('that is a compressed batch gives slices of one decompressed buffer', () => {
    const messages = Array.from({ length: 1_000 }, (_, index) => ({
      payload: Buffer.from(`{"n":${index}}`),
    }));
    const batch = encodeBatch(messages, 0);
    const metadata = metadataOf((writer) => writer.uint(8, 1).uint(9, batch.length).uint(11, 1_000));
    const raw = rawEntry(metadata, compress('lz4', batch));
    const entry = openEntry(raw, LIMIT);
    expect(permitsOf(raw)).toBe(1_000);
    expect([entry.count, entry.messages, entry.data.length]).toEqual([1_000, 1_000, batch.length]);
    messages.forEach(({ payload }, index) => {
      const found = entry.data.subarray(entry.bounds[2 * index], entry.bounds[2 * index + 1]);
      expect(Buffer.from(found).equals(payload)).toBe(true);
    });
  });
});
