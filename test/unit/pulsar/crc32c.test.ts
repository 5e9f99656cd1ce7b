import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crc32c } from '../../../lib/pulsar/wire/frame/crc32c.ts';

/** One bit at a time, straight from the definition. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

it('gives the check value of CRC-32C and those of RFC 3720', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
});

it('agrees with the definition at every length, offset and end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(20), fc.nat(20), (bytes, before, after) => {
      const padded = Buffer.concat([Buffer.alloc(before, 7), bytes, Buffer.alloc(after, 9)]);
      expect(crc32c(padded, before, before + bytes.length)).toBe(bitwise(bytes));
    }),
  );
});
