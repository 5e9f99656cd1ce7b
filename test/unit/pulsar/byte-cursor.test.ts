import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteCursor } from '../../../lib/pulsar/wire/protobuf/byte-cursor.ts';

const cursorOver = (bytes: Uint8Array) => new ByteCursor(bytes, 0, bytes.length);

describe('byte cursor, against the library', () => {
  it('reads 32-bit varints', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.integer(), (unsigned, signed) => {
        const cursor = cursorOver(new BinaryWriter().uint32(unsigned).int32(signed).finish());
        expect([cursor.uint32(), cursor.int32()]).toEqual([unsigned, signed]);
        cursor.expectEnd(cursor.end);
      }),
    );
  });

  it('reads 64-bit varints that a double holds', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(cursorOver(new BinaryWriter().int64(value).finish()).int64()).toBe(value);
      }),
    );
    const unsigned = new BinaryWriter().uint64(0xffff_ffff_ffff_ffffn).finish();
    expect(cursorOver(unsigned).int64()).toBe(-1);
  });

  it('refuses 64-bit varints that a double cannot hold', () => {
    const large = new BinaryWriter().uint64(0x7fff_ffff_ffff_ffffn).finish();
    expect(() => cursorOver(large).int64()).toThrow('53 bits');
  });

  it('skips any field to where the library skips it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(0, 1, 2, 5), (bytes, wireType) => {
        const reader = new BinaryReader(bytes);
        let expected: number | undefined;
        try {
          reader.skip(wireType);
          expected = reader.pos <= reader.len ? reader.pos : undefined;
        } catch {
          expected = undefined;
        }
        const cursor = cursorOver(bytes);
        let found: number | undefined;
        try {
          cursor.skip(wireType);
          found = cursor.at;
        } catch {
          found = undefined;
        }
        // The library gives up on a varint after ten bytes and reads a length as 32 bits; so do we, but for skipping.
        if (expected !== undefined) expect(found).toBe(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  it('throws a Pulsehouse error on truncated input and reads nothing beyond its window', () => {
    const whole = new BinaryWriter().tag(1, 2).string('abcdef').finish();
    for (let length = 0; length < whole.length; length++) {
      const cursor = new ByteCursor(whole, 0, length);
      expect(() => {
        cursor.uint32();
        cursor.string();
      }).toThrow(expect.objectContaining({ code: 'PH_PULSAR_MALFORMED' }));
    }
  });
});
