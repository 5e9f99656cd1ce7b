import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMessageCommand } from '../../../lib/pulsar/wire/commands/message.ts';
import { decodeBrokerIndex } from '../../../lib/pulsar/wire/metadata/broker-entry-metadata.ts';
import { decodeMetadata } from '../../../lib/pulsar/wire/metadata/message-metadata.ts';
import { decodeSingleMetadata, findBounds } from '../../../lib/pulsar/wire/metadata/single-metadata.ts';
import { ByteCursor } from '../../../lib/pulsar/wire/protobuf/byte-cursor.ts';

const COMPACTED_AWAY = -2;
const NULL_VALUE = -1;
const { Varint, LengthDelimited, Bit64 } = WireType;

/** One encoded field as a chunk, so that a test can put fields in any order. */
type Field = Uint8Array;
const varint = (field: number, value: number | bigint): Field =>
  new BinaryWriter().tag(field, Varint).uint64(value).finish();
const text = (field: number, value: string): Field =>
  new BinaryWriter().tag(field, LengthDelimited).string(value).finish();
const raw = (field: number, value: Uint8Array): Field =>
  new BinaryWriter().tag(field, LengthDelimited).bytes(value).finish();
const property = (field: number, key: string, value: string): Field =>
  raw(field, Buffer.concat([text(1, key), text(2, value)]));
const unknown: readonly Field[] = [
  varint(90, 5n),
  text(1000, 'newer'),
  new BinaryWriter().tag(91, Bit64).fixed64(5).finish(),
];

const properties = fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), { maxKeys: 4 });
const shuffled = (fields: readonly Field[]) =>
  fc.shuffledSubarray([...fields], { minLength: fields.length }).map((order) => Buffer.concat(order));

describe('MessageMetadata by hand, against the library', () => {
  const values = fc.record({
    producer: fc.string({ maxLength: 12 }),
    sequenceId: fc.nat(Number.MAX_SAFE_INTEGER),
    publishTime: fc.nat(Number.MAX_SAFE_INTEGER),
    key: fc.option(fc.string({ maxLength: 12 }), { nil: undefined }),
    properties,
    compression: fc.nat(4),
    uncompressed: fc.nat(0xffffffff),
    batch: fc.option(fc.nat(100_000), { nil: undefined }),
    eventTime: fc.nat(Number.MAX_SAFE_INTEGER),
    schemaVersion: fc.option(fc.uint8Array({ maxLength: 8 }), { nil: undefined }),
    nullValue: fc.boolean(),
    retained: fc.uniqueArray(fc.nat(5_000), { maxLength: 5 }),
    packed: fc.boolean(),
  });

  it('reads every field, in any order, and steps over newer ones', () => {
    fc.assert(
      fc.property(
        values.chain((value) => {
          const packed = new BinaryWriter();
          for (const index of value.retained) packed.int32(index);
          return shuffled([
            text(1, value.producer),
            varint(2, value.sequenceId),
            varint(3, value.publishTime),
            ...(value.key === undefined ? [] : [text(6, value.key)]),
            ...Object.entries(value.properties).map(([key, item]) => property(4, key, item)),
            varint(8, value.compression),
            varint(9, value.uncompressed),
            ...(value.batch === undefined ? [] : [varint(11, value.batch)]),
            varint(12, value.eventTime),
            ...(value.schemaVersion ? [raw(16, value.schemaVersion)] : []),
            varint(25, value.nullValue ? 1 : 0),
            ...(value.packed && value.retained.length > 0
              ? [raw(31, packed.finish())]
              : value.retained.map((index) => varint(31, index))),
            ...unknown,
          ]).map((bytes) => [value, bytes] as const);
        }),
        ([value, bytes]) => {
          const found = decodeMetadata(new ByteCursor(bytes, 0, bytes.length));
          expect(found).toMatchObject({
            producerName: value.producer,
            sequenceId: value.sequenceId,
            publishTime: value.publishTime,
            eventTime: value.eventTime,
            key: value.key,
            compression: value.compression,
            uncompressedSize: value.uncompressed,
            batchCount: value.batch,
            nullValue: value.nullValue,
            encrypted: false,
          });
          expect(Object.entries(found.properties ?? {}).sort()).toEqual(
            Object.entries(value.properties).sort(),
          );
          expect(found.schemaVersion && [...found.schemaVersion]).toEqual(
            value.schemaVersion && [...value.schemaVersion],
          );
          expect([...(found.retained ?? [])].sort()).toEqual([...value.retained].sort());
        },
      ),
    );
  });

  it.each([13, 14, 15])('sees by field %i that a message is encrypted', (field) => {
    const bytes = raw(field, Buffer.from('x'));
    expect(decodeMetadata(new ByteCursor(bytes, 0, bytes.length)).encrypted).toBe(true);
  });
});

interface Single {
  payload: Uint8Array;
  key: string | undefined;
  eventTime: number;
  sequenceId: number;
  properties: Record<string, string>;
  kind: 'value' | 'null' | 'compacted';
}

function batchOf(singles: readonly Single[]): Buffer {
  return Buffer.concat(
    singles.flatMap((single) => {
      const payload = single.kind === 'value' ? single.payload : new Uint8Array(0);
      const metadata = Buffer.concat([
        ...Object.entries(single.properties).map(([key, value]) => property(1, key, value)),
        ...(single.key === undefined ? [] : [text(2, single.key)]),
        varint(3, payload.length),
        ...(single.kind === 'compacted' ? [varint(4, 1)] : []),
        varint(5, single.eventTime),
        varint(8, single.sequenceId),
        ...(single.kind === 'null' ? [varint(9, 1)] : []),
        ...unknown,
      ]);
      const size = Buffer.alloc(4);
      size.writeUInt32BE(metadata.length);
      return [size, metadata, payload];
    }),
  );
}

describe('SingleMessageMetadata by hand, against the library', () => {
  const single = fc.record<Single>({
    payload: fc.uint8Array({ maxLength: 300 }),
    key: fc.option(fc.string({ maxLength: 12 }), { nil: undefined }),
    eventTime: fc.nat(Number.MAX_SAFE_INTEGER),
    sequenceId: fc.nat(Number.MAX_SAFE_INTEGER),
    properties,
    kind: fc.constantFrom('value', 'value', 'null', 'compacted'),
  });

  it('finds every payload and, on demand, every metadata', () => {
    fc.assert(
      fc.property(fc.array(single, { maxLength: 12 }), (singles) => {
        const data = batchOf(singles);
        const bounds = new Int32Array(2 * singles.length);
        const gone = findBounds(data, singles.length, undefined, bounds);
        expect(gone).toBe(singles.filter(({ kind }) => kind === 'compacted').length);
        singles.forEach((expected, index) => {
          const start = bounds[2 * index] as number;
          const end = bounds[2 * index + 1] as number;
          if (expected.kind === 'value')
            expect([...data.subarray(start, end)]).toEqual([...expected.payload]);
          else expect([start, end]).toEqual([-1, expected.kind === 'null' ? NULL_VALUE : COMPACTED_AWAY]);
          const found = decodeSingleMetadata(data, bounds, index);
          expect({ ...found, properties: Object.entries(found.properties).sort() }).toEqual({
            key: expected.key,
            eventTime: expected.eventTime,
            sequenceId: expected.sequenceId,
            properties: Object.entries(expected.properties).sort(),
          });
        });
      }),
    );
  });

  it('counts as gone what compaction did not retain', () => {
    const data = batchOf(
      ['a', 'b', 'c'].map((payload) => ({
        payload: Buffer.from(payload),
        key: undefined,
        eventTime: 0,
        sequenceId: 0,
        properties: {},
        kind: 'value' as const,
      })),
    );
    const bounds = new Int32Array(6);
    expect(findBounds(data, 3, new Set([1]), bounds)).toBe(2);
    expect([bounds[0], bounds[1], bounds[4], bounds[5]]).toEqual([-1, COMPACTED_AWAY, -1, COMPACTED_AWAY]);
    expect(data.subarray(bounds[2], bounds[3]).toString()).toBe('b');
  });

  it('refuses a batch that is shorter or longer than its messages', () => {
    fc.assert(
      fc.property(fc.array(single, { minLength: 1, maxLength: 5 }), (singles) => {
        const data = batchOf(singles);
        const find = (bytes: Uint8Array, count: number) =>
          findBounds(bytes, count, undefined, new Int32Array(2 * count));
        const malformed = expect.objectContaining({ code: 'PH_PULSAR_MALFORMED' });
        expect(() => find(data.subarray(0, -1), singles.length)).toThrow(malformed);
        expect(() => find(Buffer.concat([data, Buffer.alloc(1)]), singles.length)).toThrow(malformed);
        expect(() => find(data, singles.length - 1)).toThrow(malformed);
        expect(() => find(data, singles.length + 1)).toThrow(malformed);
      }),
    );
  });
});

it('reads the MESSAGE command by hand as the library writes it', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.nat(Number.MAX_SAFE_INTEGER),
      fc.nat(Number.MAX_SAFE_INTEGER),
      (consumerId, ledger, entry) => {
        const id = Buffer.concat([varint(1, ledger), varint(2, entry), varint(3, 7), varint(5, 9)]);
        const body = Buffer.concat([
          varint(1, consumerId),
          raw(2, id),
          varint(3, 2),
          varint(4, 1),
          ...unknown,
        ]);
        const bytes = Buffer.concat([varint(1, 9), raw(9, body)]);
        expect(decodeMessageCommand(bytes, 0, bytes.length)).toEqual({ consumerId, ledger, entry });
      },
    ),
  );
});

it("reads the broker's index by hand", () => {
  const bytes = Buffer.concat([varint(1, 1_795_000_000_000), varint(2, 41), ...unknown]);
  expect(decodeBrokerIndex(bytes, 0, bytes.length)).toBe(41);
  expect(decodeBrokerIndex(varint(1, 5), 0, 2)).toBeUndefined();
});
