import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Entry, isWithoutValue } from '../../../lib/ports/transport.ts';
import { decodeMessageCommand } from '../../../lib/pulsar/wire/commands/message.ts';
import { EntryGroup } from '../../../lib/pulsar/wire/consumer/entry-group.ts';
import { openEntry, readRawEntry } from '../../../lib/pulsar/wire/entry.ts';
import { FrameReader } from '../../../lib/pulsar/wire/frame/frame-reader.ts';
import { commandEnd, messageSections } from '../../../lib/pulsar/wire/frame/message-frame.ts';

// Frames that a real broker sent, published by the Java client 4.0.8, the Python client 3.13.0 and our own producer.
// How they were captured: test/fixtures/pulsar/capture.

const FIXTURES = join(import.meta.dirname, '../../fixtures/pulsar');
const LIMIT = 1024 * 1024;
const VERSION_0 = Buffer.alloc(8);

function framesOf(name: string): readonly Uint8Array[] {
  const frames: Uint8Array[] = [];
  new FrameReader((frame) => frames.push(frame)).push(readFileSync(join(FIXTURES, `${name}.bin`)));
  return frames;
}

function rawEntryOf(frame: Uint8Array) {
  const end = commandEnd(frame);
  const { ledger, entry } = decodeMessageCommand(frame, 4, end);
  return readRawEntry(frame, end, { ledger, entry });
}

function entryOf(name: string): Entry {
  const [frame, ...others] = framesOf(name);
  if (frame === undefined || others.length > 0) throw new Error(`${name} is not one frame`);
  return openEntry(rawEntryOf(frame), LIMIT);
}

const textOf = ({ data, bounds }: Entry, index = 0): string =>
  Buffer.from(data.subarray(bounds[2 * index], bounds[2 * index + 1])).toString();

const payload = (index: number): string => `{"device":"sensor-${index}","filler":"${'x'.repeat(40)}"}`;

describe.each([
  ['java', ['none', 'lz4', 'zlib', 'zstd', 'snappy'], [36, 109, 145, 218, 254, 327], 2],
  ['python', ['none', 'lz4', 'zlib', 'zstd', 'snappy'], [34, 107, 141, 214, 248, 321], undefined],
  ['own', ['none', 'lz4', 'zlib', 'snappy'], [34, 107, 141, 214, 248, 321], undefined],
] as const)('a batch of the %s producer', (producer, compressions, bounds, brokerIndex) => {
  it.each(compressions)('compressed with %s', (compression) => {
    const entry = entryOf(`${producer}/batch-${compression}`);
    expect([...entry.bounds]).toEqual(bounds);
    expect([entry.position.entry, entry.count, entry.messages]).toEqual([0, 3, 3]);
    expect(entry.brokerIndex).toBe(brokerIndex);
    expect(entry.schemaVersion).toBeUndefined();
    expect(entry.publishTime).toBeGreaterThan(1_795_000_000_000);
    for (const index of [0, 1, 2]) {
      expect(textOf(entry, index)).toBe(payload(index));
      expect(entry.metadata(index)).toMatchObject({
        key: `key-${index}`,
        properties: { index: `${index}` },
        eventTime: 1_700_000_000_000 + index,
        sequenceId: index,
      });
    }
  });
});

it.each(['java', 'python', 'own'])('a single message of the %s producer', (producer) => {
  const entry = entryOf(`${producer}/single`);
  expect([[...entry.bounds], textOf(entry)]).toEqual([[0, 73], payload(7)]);
  expect(entry.metadata(0)).toMatchObject({
    key: 'key-7',
    properties: { index: '7' },
    eventTime: 1_700_000_000_007,
    sequenceId: 0,
  });
});

it.each(['java', 'own'])('a null value of the %s producer', (producer) => {
  const entry = entryOf(`${producer}/null`);
  expect([[...entry.bounds], entry.count, entry.messages]).toEqual([[-1, -1], 1, 1]);
  expect(entry.metadata(0).key).toBe('gone');
  expect(isWithoutValue(entry, 0)).toBe(true);
});

it.each(['java', 'own'])('edge 3: a chunked message of the %s producer', (producer) => {
  const group = new EntryGroup(LIMIT);
  const entries = framesOf(`${producer}/chunked`).map((frame) => group.add(rawEntryOf(frame)));
  expect(entries.slice(0, 2)).toEqual([[], []]);
  const [, , [entry] = []] = entries;
  expect(entry && [textOf(entry), entry.metadata(0).key]).toEqual(['0123456789'.repeat(25), 'large']);
  expect([entry?.firstPosition.entry, entry?.position.entry, entry?.count]).toEqual([0, 2, 1]);
});

it('an encrypted message of the java producer never passes as data', () => {
  const [frame] = framesOf('java/encrypted');
  expect(() => frame && rawEntryOf(frame)).toThrow(expect.objectContaining({ code: 'PH_PULSAR_ENCRYPTED' }));
});

it('of transactions the broker sends the committed message; ids and the count of messages skip alike', () => {
  const entries = framesOf('java/transaction').map((frame) => openEntry(rawEntryOf(frame), LIMIT));
  expect(entries.map((entry) => textOf(entry))).toEqual(['committed', 'after']);
  // 0 the aborted message, 1 the abort's marker, 2 committed, 3 the commit's marker, 4 after.
  expect(entries.map(({ position, brokerIndex }) => [position.entry, brokerIndex])).toEqual([
    [2, 2],
    [4, 4],
  ]);
});

describe('messages with a schema', () => {
  it.each([
    ['java/json', '{"device":"sensor-1","counter":42}'],
    ['python/json', '{"device": "sensor-1", "counter": 42}'],
  ])('%s', (name, text) => {
    const entry = entryOf(name);
    expect(JSON.parse(textOf(entry))).toEqual(JSON.parse(text));
    expect(entry.schemaVersion).toEqual(VERSION_0);
  });

  it('java/avro: fields by name, a long and a nullable string', () => {
    const entry = entryOf('java/avro');
    // 42; union branch 1, length 8, the text.
    const expected = Buffer.concat([Buffer.from([84, 2, 16]), Buffer.from('sensor-1')]);
    expect(Buffer.from(entry.data.subarray(entry.bounds[0], entry.bounds[1]))).toEqual(expected);
    expect(entry.schemaVersion).toEqual(VERSION_0);
  });

  it('python/avro: a string, then a long', () => {
    const entry = entryOf('python/avro');
    const expected = Buffer.concat([Buffer.from([16]), Buffer.from('sensor-1'), Buffer.from([84])]);
    expect(Buffer.from(entry.data.subarray(entry.bounds[0], entry.bounds[1]))).toEqual(expected);
    expect(entry.schemaVersion).toEqual(VERSION_0);
  });
});

it('the sections of a frame with broker entry metadata lie where the protocol puts them', () => {
  const [frame] = framesOf('java/batch-lz4');
  if (frame === undefined) throw new Error('no frame');
  const end = commandEnd(frame);
  expect([frame.length, end]).toEqual([224, 27]);
  expect(messageSections(frame, end)).toEqual({
    brokerStart: 33,
    brokerEnd: 42,
    metadataStart: 52,
    metadataEnd: 97,
  });
});

it('the sections of a frame without it follow the command', () => {
  const [frame] = framesOf('python/batch-lz4');
  if (frame === undefined) throw new Error('no frame');
  expect(messageSections(frame, commandEnd(frame))).toEqual({
    brokerStart: 0,
    brokerEnd: 0,
    metadataStart: 37,
    metadataEnd: 78,
  });
});
