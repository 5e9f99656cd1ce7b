import fc from 'fast-check';
import { expect, it } from 'vitest';
import { kernel } from '../../../lib/kernel/kernel.ts';
import { ENTRY } from '../../../lib/kernel/layout.ts';
import { crc32c } from '../../../lib/pulsar/wire/frame/crc32c.ts';

it('the kernel and TypeScript find the same checksum, wherever it begins and ends', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(40), fc.nat(40), (bytes, head, tail) => {
      const start = Math.min(head, bytes.length);
      const end = Math.max(start, bytes.length - tail);
      kernel().putFrame(bytes);
      expect(kernel().exports.crc32c(ENTRY + start, ENTRY + end) >>> 0).toBe(crc32c(bytes, start, end));
    }),
    { numRuns: 2000 },
  );
});

it('the checksum of "123456789" is the one that RFC 3720 and every other source gives', () => {
  kernel().putFrame(Buffer.from('123456789'));
  expect(kernel().exports.crc32c(ENTRY, ENTRY + 9) >>> 0).toBe(0xe3069283);
});
